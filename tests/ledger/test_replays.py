"""What is stored for replays, and how replayed deliveries are recorded."""

from dataclasses import replace

from swrhook.ledger.database import Database
from swrhook.ledger.queries.deliveries import stored_delivery
from swrhook.ledger.tables import pushes
from swrhook.model import Outcome
from tests.factories import A, entry, everything, push, write


def test_a_stored_delivery_has_everything_that_a_replay_needs(database: Database) -> None:
    one = push("v1", A, "event")
    headers = {"x-github-event": "package"}
    recorded = write(database, entry(one, headers=headers, external_id="42")).receipts[0]

    with database.read() as connection:
        kept = stored_delivery(connection, recorded.delivery)

    assert kept is not None
    assert (
        kept.headers,
        kept.body,
        kept.external_id,
        kept.pushes,
    ) == (headers, b"the body", "42", [one])
    assert kept.outcome is Outcome.ACCEPTED


def test_an_unknown_id_has_no_stored_delivery(database: Database) -> None:
    with database.read() as connection:
        assert stored_delivery(connection, "none") is None


def test_an_event_belongs_to_its_first_push(database: Database) -> None:
    original = entry(push("v1", A, "event"))
    first = write(database, original).receipts[0]
    again = replace(original, replayed_from=first.delivery)
    second, third = write(database, again, original).receipts

    keys = [row["event_key"] for row in everything(database, pushes)]
    assert [second.outcome, third.outcome] == [Outcome.ACCEPTED, Outcome.DUPLICATE]
    assert (first.delivery, second.syncs) == (third.delivery, third.syncs)
    assert len([key for key in keys if key is not None]) == 1


def test_only_a_push_within_the_replay_can_be_its_duplicate(database: Database) -> None:
    first = write(database, entry(push("v1", A))).receipts[0]
    twice = entry(push("v1", A), replace(push("v1", A), pushed_at=entry().received_at))
    second = write(database, replace(twice, replayed_from=first.delivery)).receipts[0]

    assert (second.outcome, len(second.syncs)) == (Outcome.ACCEPTED, 1)
    assert first.syncs != second.syncs
