from dataclasses import replace
from datetime import timedelta

from swrhook.ledger.auto_sync_overlaps import (
    MOST_LISTED,
    SeenOverlap,
    list_overlaps,
    prune_overlaps,
    replace_overlaps,
)
from swrhook.ledger.database import Database
from swrhook.ledger.leases import PeriodicLease
from swrhook.ledger.retention import FIRST, Step
from swrhook.model import Target
from swrhook.rules.glob import Glob
from swrhook.rules.namespaces import Namespaces
from swrhook.syncs.auto_sync import AutoSync, Overlap, OverlapKind
from swrhook.syncs.reconciliation import RepositoryRef
from tests.factories import NOW, FakeClock

SHOP = RepositoryRef("cn-north-4", "team", "web/shop")
OVERLAP = Overlap(AutoSync(Target("cn-east-3", "team"), override=True), OverlapKind.OVERRIDE, "web")


def test_a_later_look_replaces_what_was_seen_in_the_repository(database: Database) -> None:
    other = replace(SHOP, repository="web/api")
    later = NOW + timedelta(hours=1)
    duplicate = replace(OVERLAP, kind=OverlapKind.DUPLICATE)
    with database.write() as connection:
        replace_overlaps(connection, SHOP, [OVERLAP], NOW)
        replace_overlaps(connection, other, [OVERLAP, OVERLAP], NOW)
        replace_overlaps(connection, SHOP, [duplicate], later)
        assert list_overlaps(connection) == [
            SeenOverlap(other, OVERLAP, NOW),
            SeenOverlap(SHOP, duplicate, later),
        ]
        replace_overlaps(connection, SHOP, [], later)
        assert list_overlaps(connection) == [SeenOverlap(other, OVERLAP, NOW)]


def test_the_list_is_bounded(database: Database) -> None:
    with database.write() as connection:
        for number in range(MOST_LISTED + 2):
            ref = replace(SHOP, repository=f"r{number}")
            replace_overlaps(connection, ref, [OVERLAP], NOW)
        assert len(list_overlaps(connection)) == MOST_LISTED + 1


def test_only_organizations_in_scope_are_listed(database: Database) -> None:
    other = replace(SHOP, namespace="other")
    with database.write() as connection:
        for ref in (SHOP, other):
            replace_overlaps(connection, ref, [OVERLAP], NOW)
        for pattern, expected in (("team", [SHOP]), ("o*", [other]), ("nobody", [])):
            listed = list_overlaps(connection, Namespaces((Glob(pattern),)))
            assert [seen.repository for seen in listed] == expected


def test_overlaps_that_were_not_seen_again_are_deleted(database: Database) -> None:
    later, gone = NOW + timedelta(days=30), replace(SHOP, repository="gone")
    with database.write() as connection:
        replace_overlaps(connection, gone, [OVERLAP], NOW)
        replace_overlaps(connection, SHOP, [OVERLAP], later)
    step = prune_overlaps(PeriodicLease(database, "test", FakeClock(later)), later, FIRST)

    assert step == Step({"auto_sync_overlaps": 1}, None)
    with database.read() as connection:
        assert [seen.repository for seen in list_overlaps(connection)] == [SHOP]
