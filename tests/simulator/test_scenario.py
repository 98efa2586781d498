import json
from pathlib import Path

import pytest

from swrhook.simulator import Scenario, ScenarioError, start
from swrhook.simulator.scenario import Reader

TEXT = """
organizations:
  - {region: "*", namespace: team-a}
tags:
  - {region: r1, namespace: team-b, repository: web/api, tag: v1}
faults:
  - {region: r2, operation: sync_images, times: 2, status: 503}
settings: {delay: 3, unknown_organization: refuse}
"""


def read(text: str, folder: Path) -> Scenario:
    path = folder / "scenario.yaml"
    path.write_text(text, encoding="utf-8")
    return Reader(["r1", "r2"]).file(path)


def test_a_scenario_is_applied_at_the_start_and_after_a_reset(tmp_path: Path) -> None:
    with start(["r1", "r2"], scenario=read(TEXT, tmp_path)) as sim:
        for _ in range(2):
            assert sim.state.store("r1").organizations() == ["group", "team-a", "team-b"]
            assert sim.state.store("r2").organizations() == ["group", "team-a"]
            assert sim.state.digest("r1", "team-b", "web/api", "v1")
            assert [fault.status for fault in sim.state.faults.all()] == [503]
            assert (
                sim.state.settings.delay,
                sim.state.settings.unknown_organization,
            ) == (3, "refuse")
            sim.state.reset()


def test_a_scenario_may_be_json_or_empty(tmp_path: Path) -> None:
    assert read(json.dumps({"settings": {"delay": 3}}), tmp_path).settings["delay"] == 3
    assert Scenario() == read("", tmp_path)


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("tags: [", "line 1"),
        ("- 1", "scenario: must be a mapping."),
        ("tugs: []", "tugs: Unknown field."),
        ("tags: [{region: r1}]", "tags.0.namespace: Missing data for required field."),
        ("organizations: [{region: r9, namespace: a}]", "unknown region r9; there are r1, r2, *"),
        ("settings: {delay: soon}", "settings.delay: Not a valid number."),
        ("\x00", "special characters"),
    ],
)
def test_an_error_in_a_scenario_names_the_file_and_the_field(
    tmp_path: Path, text: str, expected: str
) -> None:
    with pytest.raises(ScenarioError) as caught:
        read(text, tmp_path)

    assert expected in str(caught.value)
    assert str(tmp_path) in str(caught.value)


def test_an_unreadable_scenario_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(ScenarioError, match="No such file"):
        Reader(["r1"]).file(tmp_path / "nothing.yaml")
