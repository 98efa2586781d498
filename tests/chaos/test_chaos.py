"""The storms of `make chaos`, each for a short while."""

from pathlib import Path

import pytest

from tests.chaos.scenarios import SCENARIOS, Scenario, play
from tests.chaos.server import needs_server
from tests.programs import needs

SEED = 1
SHORT = [scenario for scenario in SCENARIOS if scenario.short]

pytestmark = [needs("docker-registry", "haproxy"), needs_server]


@pytest.mark.parametrize("scenario", SHORT, ids=[scenario.name for scenario in SHORT])
def test_what_was_acknowledged_arrives(scenario: Scenario, tmp_path: Path) -> None:
    reckoning = play(scenario, SEED, scenario.short, tmp_path)

    assert reckoning.broken(may_fail=scenario.may_fail) == []
    assert reckoning.tags > 0
