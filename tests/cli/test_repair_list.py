"""`repairs`: backfills and reconciles as one list, and one of them."""

import pytest
from click.testing import Result

from tests.cli.conftest import Run
from tests.cli.test_repairs import create
from tests.json_lines import json_lines
from tests.web.harness import WebHarness


def ids(result: Result) -> list[str]:
    assert result.exit_code == 0, result.output
    return [line["id"] for line in json_lines(result.stdout)]


@pytest.fixture
def repairs(harness: WebHarness) -> list[str]:
    """The ids of repairs of both kinds, newest first."""
    kinds = ("backfill", "reconcile", "reconcile", "backfill", "backfill")
    return [create(harness, kind) for kind in kinds][::-1]


def test_both_kinds_are_one_list(run: Run, repairs: list[str]) -> None:
    assert ids(run("repairs", "--json")) == repairs
    assert ids(run("repairs", "--all", "--limit", "1", "--json")) == repairs


def test_pages_are_continued_by_their_cursor(run: Run, repairs: list[str]) -> None:
    first = run("repairs", "--limit", "2", "--json")
    rest = run("repairs", "--cursor", repairs[1], "--json")

    assert f"There are more: use --cursor {repairs[1]}, or --all.\n" == first.stderr
    assert [*ids(first), *ids(rest)] == repairs


def test_one_is_shown_with_its_progress(run: Run, repairs: list[str]) -> None:
    facts = [line.split("\t") for line in run("repairs", repairs[1]).stdout.splitlines()]

    assert facts[:3] == [
        ["backfill", repairs[1]],
        ["state", "comparing"],
        ["progress", "0 requests"],
    ]


def test_an_unknown_id_is_one_message(run: Run) -> None:
    result = run("repairs", "nothing")

    message = "Error: there is no backfill and no reconcile with the id nothing\n"
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", message)


def test_an_id_takes_no_filters(run: Run, repairs: list[str]) -> None:
    assert run("repairs", repairs[0], "--since", "1h").exit_code == 2
