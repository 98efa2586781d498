"""The history of a tag: its deliveries, syncs and calls, and not those of other tags."""

from datetime import timedelta

from swrhook.ledger.database import Database
from swrhook.ledger.queries.tag_history import (
    MOST_CALLS,
    MOST_DELIVERIES,
    TagHistory,
    read_tag_history,
)
from swrhook.ledger.queries.views import ImageFilter
from swrhook.model import Outcome
from tests.factories import NOW, A, B, entry, push, write
from tests.worker.harness import WorkerHarness, error

IMAGE = ImageFilter("team", "web/shop", "v1")


def known(database: Database, sender: str | None = None, region: str | None = None) -> TagHistory:
    with database.read() as connection:
        return read_tag_history(connection, IMAGE, sender, region)


def test_the_history_in_an_empty_ledger_is_empty(database: Database) -> None:
    assert known(database) == TagHistory([], [], None, [])


def test_other_tags_senders_and_regions_are_left_out(database: Database) -> None:
    write(database, entry(push("v2"), at=NOW - timedelta(days=1)))
    receipt = write(database, entry(push("v1", A))).receipts[0]

    found = known(database, "harbor", "cn-north-4")
    assert [receipt.delivery] == [each.id for each in found.deliveries]
    assert [receipt.syncs[0].id] == [each.listed.id for each in found.syncs]
    assert found.oldest_at == NOW - timedelta(days=1)
    assert known(database, sender="ci").deliveries == []
    assert known(database, region="cn-east-3").syncs == []


def test_a_duplicate_names_its_original_and_its_syncs(database: Database) -> None:
    first = write(database, entry(push("v1", A))).receipts[0]
    write(database, entry(push("v1", A)))

    again, original = known(database).deliveries

    assert (Outcome.DUPLICATE, first.delivery) == (again.outcome, again.original)
    assert [first.syncs[0].id] == again.syncs == original.syncs
    assert (original.digest, original.rules_version) == (A, "0123456789ab")


def test_an_ignored_push_has_no_syncs(database: Database) -> None:
    write(database, entry(push("v1"), outcome=Outcome.IGNORED, planned=[], reason="why"))

    [delivery] = known(database).deliveries
    assert (delivery.outcome, delivery.reason, delivery.syncs) == ("ignored", "why", ())


def test_calls_have_their_results_and_the_newest_come_first(database: Database) -> None:
    works = WorkerHarness(database)
    works.push("v1")
    works.swr.put("v1", B)
    works.swr.answers = [error()] * (MOST_CALLS + 2)
    works.run_until_quiet()

    [sync] = known(works.database).syncs

    assert len(sync.calls) == MOST_CALLS
    assert sorted((call.id for call in sync.calls), reverse=True) == [c.id for c in sync.calls]
    assert (sync.calls[0].code, sync.calls[0].digest) == (None, B)
    assert (sync.calls[1].code, sync.calls[1].message) == ("A.transient", "what SWR said")
    assert all(call.ended_at for call in sync.calls)


def test_only_the_newest_deliveries_are_returned(database: Database) -> None:
    for _ in range(MOST_DELIVERIES + 1):
        write(database, entry(push("v1")))

    found = known(database).deliveries
    assert len(found) == MOST_DELIVERIES
    assert sorted((each.id for each in found), reverse=True) == [each.id for each in found]
