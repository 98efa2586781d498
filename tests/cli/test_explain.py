"""`explain`: the answer in the first line, and the reasons for it as a tree."""

import json
from dataclasses import replace

from swrhook.errors import Kind, SwrError
from swrhook.model import Outcome
from swrhook.syncs.states import Event
from tests.cli.conftest import Run
from tests.web.harness import DIGEST, HONG_KONG, WebHarness


def test_the_first_line_is_the_answer(run: Run) -> None:
    result = run("explain", "other/web:v1")

    assert result.exit_code == 0
    assert result.stdout.splitlines()[0] == (
        "other/web:v1 was never announced: the ledger is empty. If ci announced it now: no rule"
        ' matches; the nearest is all: namespace "other" is not "team"'
    )


def test_the_tree_shows_rules_deliveries_and_syncs(harness: WebHarness, run: Run) -> None:
    receipt = harness.push("team/web:v1", HONG_KONG)
    error = SwrError(Kind.PERMANENT, "SWR.404", "no such organization", remedy="make it")
    harness.happen(receipt.syncs[0].id, Event.REJECT_BEFORE_CALL, error)

    text = run("explain", "team/web:v1").stdout

    lines = [line.strip("│├└─ ") for line in text.splitlines()]
    for expected in (
        f"by the rules in use, {harness.config.version}",
        "from ci in cn-north-4: rule all sends it to cn-east-3/team",
        "rule all: matched",
        'namespace "team" matches "team"',
        "to cn-east-3/team: sync",
        DIGEST,
        "no such organization",
        "SWR.404: no such organization",
        "make it",
    ):
        assert expected in lines
    assert f"{receipt.delivery} from ci: accepted (by other rules, 0123456789ab)" in text
    assert f"{receipt.syncs[0].id} to ap-southeast-1/team-hk: rejected" in text


def test_equal_answers_of_several_senders_are_one(harness: WebHarness, run: Run) -> None:
    ci = harness.config.senders["ci"]
    senders = {"cd": replace(ci, name="cd"), "ci": ci}
    harness.config = replace(harness.config, senders=senders)

    text = run("explain", "team/web:v1").stdout

    assert "from cd, ci in cn-north-4: rule all sends it to cn-east-3/team" in text
    assert text.count("rule all: matched") == 1


def test_json_is_the_answer_of_the_api(harness: WebHarness, run: Run) -> None:
    harness.push("team/web:v1")

    printed = json.loads(run("explain", "team/web:v1", "--sender", "ci", "--json").stdout)

    query = {"image": "team/web:v1", "sender": "ci"}
    assert harness.client().get("/api/v1/explain", query_string=query).get_json() == printed


def test_control_characters_of_a_sender_are_not_printed(harness: WebHarness, run: Run) -> None:
    reason = "team/web:v1: \x1b[2Jgone [red]x[/red]"
    harness.push("team/web:v1", outcome=Outcome.IGNORED, reason=reason)

    printed = run("explain", "team/web:v1").stdout

    assert "\x1b" not in printed
    assert "?[2Jgone [red]x[/red]" in printed.splitlines()[0]


def test_an_image_without_a_tag_exits_with_2_and_an_unknown_sender_with_1(run: Run) -> None:
    wrong, unknown = run("explain", "team/web"), run("explain", "a/b:c", "--sender", "gone")

    assert (wrong.exit_code, unknown.exit_code) == (2, 1)
    assert "has no tag" in wrong.stderr
    assert "no sender is named gone" in unknown.stderr
