"""`coverage`: the sums by rule and region, or the gaps by name."""

import json

from tests.cli.conftest import Run
from tests.web.coverage import seed_coverage
from tests.web.harness import WebHarness


def test_the_command_exits_with_1_while_there_are_gaps(harness: WebHarness, run: Run) -> None:
    empty = run("coverage")
    seed_coverage(harness)
    table, names = run("coverage"), run("coverage", "--gaps", "--region", "cn-east-3")
    item = json.loads(run("coverage", "--json").stdout)

    assert [result.exit_code for result in (empty, table, names)] == [0, 1, 1]
    assert table.stdout.splitlines()[1].split()[:8] == ["all", "cn-east-3", *"311100"]
    assert (item["wanted"], item["present"], item["gaps"]) == (3, 1, [])
    assert "team/web:v2" in names.stdout
    assert "cn-north-4/closed: its repositories cannot be listed" in names.stderr
    assert run("coverage", "--rule", "none").exit_code == 1  # an organization is not listed


def test_a_rule_or_region_that_does_not_exist_is_not_covered(run: Run) -> None:
    for options in (["--rule", "none"], ["--region", "nowhere", "--gaps"]):
        result = run("coverage", *options)

        assert (result.exit_code, result.stderr) == (1, "No rules match.\n")
