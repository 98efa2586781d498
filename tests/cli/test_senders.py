"""`senders`: a row for each, with the outcomes of a day."""

from swrhook.model import Outcome
from tests.cli.conftest import Run
from tests.json_lines import json_lines
from tests.web.harness import WebHarness


def test_a_row_counts_the_outcomes_that_there_were(harness: WebHarness, run: Run) -> None:
    harness.push("team/web:v1")
    harness.push("team/web:v2", outcome=Outcome.IGNORED)

    heading, row = run("senders").stdout.splitlines()

    assert heading.split("\t") == ["sender", "dialect", "region", "last", "last 24 h", "status"]
    cells = row.split("\t")
    assert cells[:3] == ["ci", "generic", "cn-north-4"]
    assert cells[4:] == ["1 accepted, 1 ignored", ""]


def test_a_sender_whose_last_delivery_was_quarantined_is_not_understood(
    harness: WebHarness, run: Run
) -> None:
    harness.push("team/web:v1")
    harness.push("team/web:v2", outcome=Outcome.QUARANTINED)

    [_, row] = run("senders").stdout.splitlines()

    assert row.endswith("\tnot understood")


def test_json_has_the_objects_of_the_api(harness: WebHarness, run: Run) -> None:
    listed = harness.client().get("/api/v1/senders").get_json()["items"]

    assert json_lines(run("senders", "--json").stdout) == listed
