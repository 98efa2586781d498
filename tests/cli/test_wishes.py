"""`retry` and `cancel`: by ids, and many by filter."""

import json
from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result

from swrhook.cli import main
from swrhook.syncs.states import Event
from tests.cli.conftest import Run
from tests.web.parts import EAST, HONG_KONG, OPERATE, Parts

HOUR = timedelta(hours=1)


def wish(run: Run, *arguments: str) -> Result:
    return run(*arguments, SWRHOOK_TOKEN=OPERATE)


def objects(result: Result) -> list[dict[str, Any]]:
    return [json.loads(line) for line in result.stdout.splitlines()]


def rejected(parts: Parts, tag: str, **more: Any) -> str:
    sync = parts.push(f"team/web:{tag}", **more).syncs[0].id
    parts.happen(sync, Event.REJECT_BEFORE_CALL)
    return sync


def test_syncs_are_changed_by_their_ids_and_printed(parts: Parts, run: Run) -> None:
    ids = [rejected(parts, "v1"), rejected(parts, "v2")]

    retried = wish(run, "retry", *ids, "--json")
    cancelled = wish(run, "cancel", ids[0], "--json")

    assert [(each, "pending") for each in ids] == [(o["id"], o["state"]) for o in objects(retried)]
    assert [(ids[0], "cancelled")] == [(o["id"], o["state"]) for o in objects(cancelled)]
    assert (
        retried.exit_code,
        retried.stderr,
        cancelled.exit_code,
        cancelled.stderr,
    ) == (0, "", 0, "")


def test_what_cannot_be_changed_is_told_and_the_others_are(parts: Parts, run: Run) -> None:
    under_way = parts.push("team/web:v1").syncs[0].id
    ended = rejected(parts, "v2")

    result = wish(run, "retry", under_way, "nothing", ended, "--json")

    assert (1, [ended]) == (result.exit_code, [each["id"] for each in objects(result)])
    assert [
        f"{under_way}: the sync is pending: what has ended, and not verified, can be retried",
        "nothing: there is no sync with this id",
    ] == result.stderr.splitlines()


def test_a_selection_is_counted_and_changed_the_oldest_first(parts: Parts, run: Run) -> None:
    rejected(parts, "v0", ago=5 * HOUR)
    ids = [rejected(parts, "v1"), rejected(parts, "v2")]
    other = parts.push("team/web:v3", HONG_KONG).syncs[0].id
    parts.happen(other, Event.REJECT_BEFORE_CALL)
    parts.push("team/web:v4", EAST)
    filters = ["--state", "rejected", "--state", "missing", "--region", "cn-east-3"]

    result = wish(run, "retry", *filters, "--since", "1h", "--yes", "--json")

    assert (0, ids) == (result.exit_code, [each["id"] for each in objects(result)])
    assert result.stderr.startswith("2 syncs: 2 rejected to cn-east-3/team; from ")


@pytest.mark.parametrize(
    ("answer", "status", "state"), [("y\n", 0, "cancelled"), ("", 1, "pending")]
)
def test_a_selection_is_changed_when_the_person_agrees(
    parts: Parts, url: str, answer: str, status: int, state: str
) -> None:
    sync = parts.push("team/web:v1").syncs[0].id
    environ = {"SWRHOOK_URL": url, "SWRHOOK_TOKEN": OPERATE}

    result = CliRunner().invoke(
        main, ["cancel", "--state", "pending", "--image", "team/web"], env=environ, input=answer
    )

    found = parts.client().get(f"/api/v1/syncs/{sync}").get_json()
    assert (status, state) == (result.exit_code, found["state"])
    assert "Cancel them? [y/N]" in result.stderr


@pytest.mark.parametrize("command", ["retry", "cancel"])
def test_nothing_selected_is_said(run: Run, command: str) -> None:
    result = wish(run, command, "--state", "missing")

    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "No syncs match.\n")


@pytest.mark.parametrize(
    "arguments",
    [
        ["retry"],
        ["retry", "--region", "cn-east-3"],
        ["retry", "x", "--state", "missing"],
        ["retry", "--state", "verified"],
        ["retry", "--state", "pending"],
        ["cancel", "--state", "verified"],
        ["cancel", "x", "--since", "1h"],
    ],
)
def test_wrong_usage(run: Run, arguments: list[str]) -> None:
    assert wish(run, *arguments).exit_code == 2


def test_a_token_that_may_only_read_does_not_suffice(parts: Parts, run: Run) -> None:
    result = run("cancel", parts.push("team/web:v1").syncs[0].id)

    assert result.exit_code == 1
    assert "the token's role is read, this needs operate (403)" in result.stderr
