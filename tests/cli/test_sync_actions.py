"""`retry` and `cancel`: by ids, and by filters after a confirmation."""

from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result

from swrhook.cli import main
from swrhook.syncs.states import Event
from tests.cli.conftest import Run
from tests.json_lines import json_lines
from tests.web.harness import EAST, HONG_KONG, OPERATE, WebHarness

HOUR = timedelta(hours=1)

NOT_RETRIED = "the sync is pending: only a sync that has ended, and is not verified, can be retried"


def act(run: Run, *arguments: str) -> Result:
    return run(*arguments, SWRHOOK_TOKEN=OPERATE)


def objects(result: Result) -> list[dict[str, Any]]:
    return json_lines(result.stdout)


def states(result: Result) -> list[tuple[str, str]]:
    return [(sync["id"], sync["state"]) for sync in objects(result)]


def rejected(harness: WebHarness, tag: str, **more: Any) -> str:
    sync = harness.push(f"team/web:{tag}", **more).syncs[0].id
    harness.happen(sync, Event.REJECT_BEFORE_CALL)
    return sync


def test_syncs_are_changed_by_id_and_printed(harness: WebHarness, run: Run) -> None:
    ids = [rejected(harness, "v1"), rejected(harness, "v2")]

    retried = act(run, "retry", *ids, "--json")
    cancelled = act(run, "cancel", ids[0], "--json")

    assert [(id_, "pending") for id_ in ids] == states(retried)
    assert [(ids[0], "cancelled")] == states(cancelled)
    assert [(result.exit_code, result.stderr) for result in (retried, cancelled)] == [(0, "")] * 2


def test_a_sync_that_cannot_be_changed_is_reported_and_the_others_are_changed(
    harness: WebHarness, run: Run
) -> None:
    under_way = harness.push("team/web:v1").syncs[0].id
    ended = rejected(harness, "v2")

    result = act(run, "retry", under_way, "nothing", ended, "--json")

    assert (result.exit_code, [sync["id"] for sync in objects(result)]) == (1, [ended])
    assert [
        f"{under_way}: {NOT_RETRIED}",
        "nothing: there is no sync with this id",
    ] == result.stderr.splitlines()


def test_selected_syncs_are_counted_and_changed_oldest_first(harness: WebHarness, run: Run) -> None:
    rejected(harness, "v0", ago=5 * HOUR)
    ids = [rejected(harness, "v1"), rejected(harness, "v2")]
    other = harness.push("team/web:v3", HONG_KONG).syncs[0].id
    harness.happen(other, Event.REJECT_BEFORE_CALL)
    harness.push("team/web:v4", EAST)
    filters = ["--state", "rejected", "--state", "missing", "--region", "cn-east-3"]

    result = act(run, "retry", *filters, "--since", "1h", "--yes", "--json")

    assert (result.exit_code, [sync["id"] for sync in objects(result)]) == (0, ids)
    assert result.stderr.startswith("2 syncs (")
    assert result.stderr.endswith("): 2 rejected to cn-east-3/team.\n")


@pytest.mark.parametrize(
    ("answer", "status", "state"), [("y\n", 0, "cancelled"), ("", 1, "pending")]
)
def test_selected_syncs_are_changed_only_after_confirmation(
    harness: WebHarness, url: str, answer: str, status: int, state: str
) -> None:
    sync = harness.push("team/web:v1").syncs[0].id
    environ = {"SWRHOOK_URL": url, "SWRHOOK_TOKEN": OPERATE}

    result = CliRunner().invoke(
        main, ["cancel", "--state", "pending", "--image", "team/web"], env=environ, input=answer
    )

    changed = harness.client().get(f"/api/v1/syncs/{sync}").get_json()
    assert (result.exit_code, changed["state"]) == (status, state)
    assert "Cancel them? [y/N]" in result.stderr


@pytest.mark.parametrize("command", ["retry", "cancel"])
def test_ids_that_are_all_declined_are_reported_once(run: Run, command: str) -> None:
    result = act(run, command, "nothing")

    message = "nothing: there is no sync with this id\n"
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", message)


@pytest.mark.parametrize("command", ["retry", "cancel"])
def test_an_empty_selection_is_reported(run: Run, command: str) -> None:
    result = act(run, command, "--state", "missing")

    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "No syncs found.\n")


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
def test_wrong_usage_exits_with_2(run: Run, arguments: list[str]) -> None:
    assert act(run, *arguments).exit_code == 2


def test_a_read_token_is_refused(harness: WebHarness, run: Run) -> None:
    result = run("cancel", harness.push("team/web:v1").syncs[0].id)

    assert result.exit_code == 1
    assert "the token's role is read, this needs operate (403)" in result.stderr
