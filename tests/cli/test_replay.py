"""`replay`: by ids, and by filters after a confirmation."""

from datetime import timedelta
from typing import Any

import pytest
from click.testing import CliRunner, Result

from swrhook.cli import main
from swrhook.model import Outcome
from tests.cli.conftest import Run
from tests.json_lines import json_lines
from tests.web.harness import OPERATE, WebHarness


def objects(result: Result) -> list[dict[str, Any]]:
    return json_lines(result.stdout)


def replay(run: Run, *arguments: str) -> Result:
    return run("replay", *arguments, SWRHOOK_TOKEN=OPERATE)


def ignored(harness: WebHarness, tag: str, **more: Any) -> str:
    return harness.push(f"team/web:{tag}", outcome=Outcome.IGNORED, **more).delivery


def test_deliveries_are_replayed_by_their_ids(harness: WebHarness, run: Run) -> None:
    ids = [ignored(harness, "v1"), ignored(harness, "v2")]

    result = replay(run, *ids, "--json")

    assert (result.exit_code, result.stderr) == (0, "")
    replays = [(item["replayed_from"], item["outcome"]) for item in objects(result)]
    assert [(ids[0], "accepted"), (ids[1], "accepted")] == replays


def test_the_table_shows_the_new_deliveries(harness: WebHarness, run: Run) -> None:
    heading, row = replay(run, ignored(harness, "v1")).stdout.splitlines()

    assert "outcome" in heading
    assert row.split("\t")[2:] == ["ci", "accepted", "1", "team/web:v1", ""]


def test_a_delivery_that_cannot_be_replayed_is_reported_and_the_others_are_replayed(
    harness: WebHarness, run: Run
) -> None:
    original = harness.push("team/web:v1").delivery
    harness.push("team/web:v1")
    client = harness.client()
    duplicate = client.get("/api/v1/deliveries?outcome=duplicate").get_json()["items"][0]["id"]
    other = ignored(harness, "v2")

    result = replay(run, duplicate, "nothing", other, "--json")

    assert (result.exit_code, [item["replayed_from"] for item in objects(result)]) == (1, [other])
    assert [
        f"{duplicate}: it is a duplicate: replay the delivery {original}",
        "nothing: there is no delivery with this id",
    ] == result.stderr.splitlines()


def test_selected_deliveries_are_counted_and_replayed_oldest_first(
    harness: WebHarness, run: Run
) -> None:
    ignored(harness, "v0", ago=timedelta(hours=3))
    ids = [ignored(harness, f"v{number}") for number in (1, 2)]
    ignored(harness, "v3", sender="harbor")
    selection = ["--outcome", "ignored", "--sender", "ci", "--since", "1h"]

    result = replay(run, *selection, "--yes", "--json")

    assert result.exit_code == 0
    assert sorted(ids) == sorted(item["replayed_from"] for item in objects(result))
    assert result.stderr.endswith("): 2 ignored from ci.\n")
    assert result.stderr.startswith("2 deliveries (")


def test_a_replay_is_not_selected_itself(harness: WebHarness, run: Run) -> None:
    original = harness.push("other/web:v1", outcome=Outcome.IGNORED).delivery
    replay(run, original)

    result = replay(run, "--outcome", "ignored", "--yes", "--json")

    assert [item["replayed_from"] for item in objects(result)] == [original]


@pytest.mark.parametrize(("answer", "status", "syncs"), [("y\n", 0, 1), ("n\n", 1, 0), ("", 1, 0)])
def test_selected_deliveries_are_replayed_only_after_confirmation(
    harness: WebHarness, url: str, answer: str, status: int, syncs: int
) -> None:
    ignored(harness, "v1")
    environ = {"SWRHOOK_URL": url, "SWRHOOK_TOKEN": OPERATE}

    result = CliRunner().invoke(main, ["replay", "--outcome", "ignored"], env=environ, input=answer)

    created = harness.client().get("/api/v1/syncs").get_json()["items"]
    assert (result.exit_code, len(created)) == (status, syncs)
    assert "Replay them? [y/N]" in result.stderr


def test_ids_that_are_all_declined_are_reported_once(run: Run) -> None:
    result = replay(run, "nothing")

    message = "nothing: there is no delivery with this id\n"
    assert (result.exit_code, result.stdout, result.stderr) == (1, "", message)


def test_an_empty_selection_is_reported(run: Run) -> None:
    result = replay(run, "--outcome", "quarantined")

    assert (result.exit_code, result.stdout, result.stderr) == (0, "", "No deliveries found.\n")


@pytest.mark.parametrize(
    "arguments",
    [
        [],
        ["--sender", "ci"],
        ["--since", "1h"],
        ["x", "--outcome", "ignored"],
        ["x", "--sender", "ci"],
        ["--outcome", "duplicate"],
    ],
)
def test_wrong_usage_exits_with_2(run: Run, arguments: list[str]) -> None:
    assert replay(run, *arguments).exit_code == 2


def test_a_read_token_is_refused(harness: WebHarness, run: Run) -> None:
    result = run("replay", ignored(harness, "v1"))

    assert result.exit_code == 1
    assert "the token's role is read, this needs operate (403)" in result.stderr
