"""The scenarios of `make chaos`, each with few faults."""

from pathlib import Path

import pytest

from tests.chaos.scenarios import SCENARIOS, Scenario, play
from tests.chaos.server import needs_server
from tests.programs import needs

SEED = 1
SHORT = [scenario for scenario in SCENARIOS if scenario.short]

pytestmark = [needs("docker-registry", "haproxy"), needs_server]


@pytest.mark.parametrize("scenario", SHORT, ids=[scenario.name for scenario in SHORT])
def test_every_acknowledged_tag_arrives(scenario: Scenario, tmp_path: Path) -> None:
    result = play(scenario, SEED, scenario.short, tmp_path)

    assert result.broken_promises(may_fail=scenario.may_fail) == []
    assert result.tags > 0
