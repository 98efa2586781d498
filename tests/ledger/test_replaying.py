from dataclasses import replace

from swrhook.ledger.database import Database
from swrhook.ledger.queries.deliveries import kept_delivery
from swrhook.ledger.tables import pushes
from swrhook.model import Outcome
from tests.ledger.parts import A, entry, everything, push, write


def test_everything_that_a_replay_needs_is_kept(database: Database) -> None:
    one = push("v1", A, "event")
    headers = {"x-github-event": "package"}
    recorded = write(database, entry(one, headers=headers, external_id="42")).receipts[0]

    with database.read() as connection:
        kept = kept_delivery(connection, recorded.delivery)

    assert kept is not None
    assert (headers, b"the body", "42", [one]) == (
        kept.headers,
        kept.body,
        kept.external_id,
        kept.pushes,
    )
    assert Outcome.ACCEPTED is kept.outcome


def test_an_id_that_is_none_keeps_nothing(database: Database) -> None:
    with database.read() as connection:
        assert kept_delivery(connection, "none") is None


def test_an_event_belongs_to_its_first_push(database: Database) -> None:
    original = entry(push("v1", A, "event"))
    first = write(database, original).receipts[0]
    again = replace(original, replayed_from=first.delivery)
    second, third = write(database, again, original).receipts

    keys = [row["event_key"] for row in everything(database, pushes)]
    assert [second.outcome, third.outcome] == [Outcome.ACCEPTED, Outcome.DUPLICATE]
    assert (first.delivery, second.syncs) == (third.delivery, third.syncs)
    assert len([key for key in keys if key is not None]) == 1


def test_a_replay_repeats_itself_alone(database: Database) -> None:
    first = write(database, entry(push("v1", A))).receipts[0]
    twice = entry(push("v1", A), replace(push("v1", A), pushed_at=entry().received_at))
    second = write(database, replace(twice, replayed_from=first.delivery)).receipts[0]

    assert (second.outcome, len(second.syncs)) == (Outcome.ACCEPTED, 1)
    assert first.syncs != second.syncs
