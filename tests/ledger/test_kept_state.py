"""State that other packages keep: refused credentials."""

from swrhook.ledger.database import Database
from swrhook.ledger.kept_state import RefusedCredentials
from swrhook.model import Refusal
from tests.factories import MINUTE, NOW, FakeClock

LOCKED = Refusal("IAM.0061: Account locked.", NOW + 30 * MINUTE)
WRONG = Refusal("HTTP.401: Unauthorized.", None)


def test_a_refusal_is_shared_by_all_processes(database: Database) -> None:
    RefusedCredentials(database, FakeClock(NOW)).refuse("mark", WRONG)

    other = RefusedCredentials(database, FakeClock(NOW))
    assert other.refusal("mark") == WRONG
    assert other.refusal("another") is None


def test_the_last_refusal_counts(database: Database) -> None:
    refused = RefusedCredentials(database, FakeClock(NOW))

    refused.refuse("mark", LOCKED)
    assert refused.refusal("mark") == LOCKED
    refused.refuse("mark", WRONG)
    assert refused.refusal("mark") == WRONG


def test_a_refusal_is_forgotten(database: Database) -> None:
    refused = RefusedCredentials(database, FakeClock(NOW))
    refused.refuse("mark", WRONG)

    refused.forget("mark")

    assert refused.refusal("mark") is None
