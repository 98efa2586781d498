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
    with_body = entry(one, headers=headers, external_id="42")
    ignored = replace(with_body, outcome=Outcome.IGNORED, planned=(), body=None)
    recorded = write(database, with_body, ignored).receipts

    with database.read() as connection:
        kept = [stored_delivery(connection, receipt.delivery) for receipt in recorded]

    assert [
        (delivery.outcome, delivery.headers, delivery.external_id, delivery.body, delivery.pushes)
        for delivery in kept
        if delivery is not None
    ] == [
        (Outcome.ACCEPTED, headers, "42", b"the body", ()),
        (Outcome.IGNORED, headers, "42", None, [one]),
    ]


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
