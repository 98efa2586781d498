"""`order`: targets by the rules or by hand, the source region, and waiting."""

from typing import Any

import pytest
from click.testing import Result

from tests.cli.conftest import Run
from tests.json_lines import json_lines
from tests.web.harness import OPERATE, WebHarness

IMAGE = "team/web:v1"


def order(run: Run, *arguments: str) -> Result:
    return run("order", IMAGE, *arguments, SWRHOOK_TOKEN=OPERATE)


def targets(result: Result) -> list[tuple[Any, ...]]:
    assert result.exit_code == 0, result.output
    syncs = json_lines(result.stdout)
    return [(sync["target_region"], sync["target_namespace"], sync["override"]) for sync in syncs]


def test_the_rules_choose_the_targets_and_the_senders_the_region(run: Run) -> None:
    assert targets(order(run, "--json")) == [("cn-east-3", "team", False)]


def test_targets_can_be_given(run: Run) -> None:
    result = order(run, "--to", "cn-east-3/a", "--to", "ap-southeast-1/b", "--override", "--json")

    assert sorted(targets(result)) == [("ap-southeast-1", "b", True), ("cn-east-3", "a", True)]


def test_waiting_ends_with_the_timeout(run: Run) -> None:
    result = order(run, "--wait", "--timeout", "0")

    assert (result.exit_code, result.stderr) == (1, f"{IMAGE}: not verified within 0 s\n")
    assert "\tpending\t" in result.stdout


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["--to", "cn-east-3"], "'cn-east-3' is not REGION/ORG"),
        (["--override"], "--override needs --to: without targets, the rules decide"),
        (["--from", "nowhere"], "source_region: nowhere is not a region under swr.regions"),
    ],
)
def test_wrong_usage_exits_with_2(
    harness: WebHarness, run: Run, arguments: list[str], message: str
) -> None:
    result = order(run, *arguments)

    assert (result.exit_code, result.stderr.endswith(f"{message}\n")) == (2, True)
    assert harness.client().get("/api/v1/syncs").get_json()["items"] == []
