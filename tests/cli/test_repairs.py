"""`backfill` and `reconcile`: what they print of what the server has, and how they are used."""

import json

import pytest
from click.testing import Result

from tests.cli.conftest import Run
from tests.web.parts import OPERATE, Parts


def begun(parts: Parts, kind: str = "backfill", **body: object) -> str:
    body = {"repositories": ["team/web"]} | body
    answer = parts.client(OPERATE).post(f"/api/v1/{kind}", json=body)
    assert answer.status_code == 202, answer.text
    return str(answer.get_json()["id"])


def states(result: Result) -> list[tuple[str, str]]:
    found = [json.loads(line) for line in result.stdout.splitlines()]
    return [(each["id"], each["state"]) for each in found]


@pytest.mark.parametrize("kind", ["backfill", "reconcile"])
def test_they_are_listed_shown_and_cancelled(parts: Parts, run: Run, kind: str) -> None:
    first, second = begun(parts, kind), begun(parts, kind)

    listed = run(kind, "list", "--json")
    cancelled = run(kind, "cancel", first, "--json", SWRHOOK_TOKEN=OPERATE)
    shown = run(kind, "show", first, "--json")

    assert [(second, "comparing"), (first, "comparing")] == states(listed)
    assert [(first, "cancelled")] == states(cancelled) == states(shown)


def test_a_table_names_what_is_compared(parts: Parts, run: Run) -> None:
    begun(parts)

    result = run("backfill", "list")

    assert (result.stdout.splitlines()[0].split()) == [
        "id",
        "state",
        "repositories",
        "found",
        "syncs",
        "notes",
    ]
    assert "cn-north-4/team/web" in result.stdout


def test_what_is_not_there_ends_with_1(run: Run) -> None:
    result = run("backfill", "show", "nothing")

    assert (result.exit_code, "there is no backfill with this id" in result.stderr) == (1, True)


@pytest.mark.parametrize(
    ("arguments", "status"),
    [
        (["backfill"], 2),
        (["backfill", "--rule", "all"], 2),
        (["backfill", "no-repository"], 2),
        (["backfill", "team/web", "--rule", "none"], 2),
        (["backfill", "show"], 2),
        (["reconcile", "--max-calls", "0"], 2),
    ],
    ids=["nothing", "no name", "no repository", "no rule", "no id", "no budget"],
)
def test_wrong_usage(run: Run, arguments: list[str], status: int) -> None:
    assert status == run(*arguments, SWRHOOK_TOKEN=OPERATE).exit_code


def test_a_token_that_may_only_read_does_not_suffice(run: Run) -> None:
    result = run("backfill", "team/web")

    assert (result.exit_code, "this needs operate (403)" in result.stderr) == (1, True)
