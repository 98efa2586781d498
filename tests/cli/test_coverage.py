"""`coverage`: the sums by rule and region, or the gaps by name."""

import json
import re
from datetime import UTC, datetime, timedelta

from swrhook.cli.coverage import SUM_COLUMNS
from swrhook.cli.tables import table_lines
from tests.cli.conftest import Run
from tests.web.coverage import seed_coverage
from tests.web.harness import WebHarness


def test_the_command_exits_with_1_while_there_are_gaps(harness: WebHarness, run: Run) -> None:
    empty = run("coverage")
    seed_coverage(harness)
    table, names = run("coverage"), run("coverage", "--gaps", "--region", "cn-east-3")
    item = json.loads(run("coverage", "--json").stdout)

    assert [result.exit_code for result in (empty, table, names)] == [0, 1, 1]
    assert empty.stderr == "No repository has been compared yet: run reconcile\n"
    assert table.stdout.splitlines()[1].split()[:8] == ["all", "cn-east-3", *"311100"]
    assert (item["wanted"], item["present"], item["gaps"]) == (3, 1, [])
    assert "team/web:v2" in names.stdout
    assert "cn-north-4/closed: its repositories cannot be listed" in names.stderr
    assert "has been compared yet" not in table.stderr
    assert run("coverage", "--rule", "none").exit_code == 1  # an organization is not listed


def test_at_80_columns_a_row_has_one_line_and_zeros_only_beside_gaps() -> None:
    look = (datetime.now(UTC) - timedelta(minutes=5)).isoformat()
    covered: dict[str, object] = dict.fromkeys(("on_the_way", "missing", "changed", "unknown"), 0)
    covered |= {"rule": "web-releases-of-team", "region": "ap-southeast-1", "wanted": 1000}
    covered |= {"present": 1000, "oldest_observation": look, "oldest_gap": None}
    missing = {**covered, "on_the_way": 2, "missing": 1, "oldest_gap": look}
    mixed = {**missing, "changed": 4, "unknown": 3}

    tables = [[covered], [covered, missing], [covered, mixed]]
    lines = [[*table_lines(SUM_COLUMNS, items, 80)] for items in tables]

    names = "rule  region  wanted  present"
    assert [re.sub(" {3,}", "  ", heading.plain) for heading, *_ in lines] == [
        f"{names}  oldest look",
        f"{names}  on the way  missing",
        f"{names}  missing  changed  unknown",
    ]
    assert [len(table) for table in lines] == [2, 3, 3]


def test_a_rule_or_region_that_does_not_exist_is_not_covered(run: Run) -> None:
    for options in (["--rule", "none"], ["--region", "nowhere", "--gaps"]):
        result = run("coverage", *options)

        assert (result.exit_code, result.stderr) == (1, "No rules found.\n")
