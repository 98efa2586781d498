"""`rules`: what is held is shown."""

from datetime import UTC, datetime

from swrhook.ledger.rule_sets import Verdict, begin_judging, end_judging, note_wanted
from tests.cli.conftest import Run
from tests.web.harness import WebHarness

FINGERPRINT = "ab" * 32


def test_nothing_of_an_answer_steers_the_terminal(run: Run, harness: WebHarness) -> None:
    now = datetime.now(UTC)
    with harness.database.write() as connection:
        begin_judging(connection, FINGERPRINT, "\x1b[2J0123", now)
        end_judging(connection, FINGERPRINT, Verdict.HELD, None, now)
        note_wanted(connection, FINGERPRINT, now)

    result = run("rules", "pending")

    assert result.exit_code == 0, result.output
    assert result.stdout.startswith("The rules of the file ?[2J0123 are held since ")
    assert "could not be measured in time" in result.stdout
