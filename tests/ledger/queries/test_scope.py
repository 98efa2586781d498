"""Lists for a reader who may see only some organizations, on both databases."""

from dataclasses import replace

import pytest

from swrhook.ledger.database import Database
from swrhook.ledger.expansion import due_expansions, expand_portion
from swrhook.ledger.portions import LARGE, pack
from swrhook.ledger.queries.deliveries import find_delivery, list_deliveries
from swrhook.ledger.queries.delivery_scope import is_wholly_in_scope
from swrhook.ledger.queries.syncs import list_syncs
from swrhook.ledger.queries.views import DeliveryFilter, SyncFilter
from swrhook.model import Push
from swrhook.rules.glob import Glob
from swrhook.rules.namespaces import Namespaces
from tests.factories import NOW, A, entry, push, write

NAMES = ("team-a", "team-a-1", "team-a_1", "teamxa", "other")


def scope(*patterns: str) -> Namespaces:
    return Namespaces(tuple(Glob(pattern) for pattern in patterns))


def pushed(namespace: str, tag: str = "v1") -> Push:
    return replace(push(tag, A), namespace=namespace)


@pytest.mark.parametrize(
    "patterns",
    [
        (),
        ("team-a",),
        ("team-a-*",),
        ("team-a?1",),
        ("team_a",),
        ("team-a", "o*r"),
        ("*",),
        ("x%",),
    ],
)
def test_lists_have_what_the_patterns_match(database: Database, patterns: tuple[str, ...]) -> None:
    for name in NAMES:
        write(database, entry(pushed(name)))
    limits = scope(*patterns)
    with database.read() as connection:
        syncs = list_syncs(connection, SyncFilter(scope=limits)).items
        deliveries = list_deliveries(connection, DeliveryFilter(scope=limits)).items

    expected = sorted(name for name in NAMES if name in limits)
    assert sorted(sync.namespace for sync in syncs) == expected
    images = [one.image for delivery in deliveries for one in delivery.pushes]
    assert sorted(image.partition("/")[0] for image in images) == expected


def test_pages_of_several_organizations_follow_each_other(database: Database) -> None:
    for number in range(7):
        write(
            database, entry(pushed(NAMES[number % 3], f"v{number}"), pushed("other", f"o{number}"))
        )
    limits = scope("team-a", "team-a-1")
    seen, cursor = [], None
    with database.read() as connection:
        while True:
            criteria = DeliveryFilter(limit=2, cursor=cursor, scope=limits)
            page = list_deliveries(connection, criteria)
            seen += [one.image for delivery in page.items for one in delivery.pushes]
            if (cursor := page.next) is None:
                break

    assert [image.rpartition(":")[2] for image in seen] == ["v6", "v4", "v3", "v1", "v0"]


def test_a_large_delivery_has_the_totals_of_what_is_in_scope(database: Database) -> None:
    pushes = [pushed("team-a" if n % 4 else "other", f"v{n}") for n in range(LARGE + 100)]
    delivery = write(database, pack(entry(*pushes))).receipts[0].delivery
    ours, nobody = scope("team-a"), scope("team-b")

    def read() -> list[object]:
        with database.read() as connection:
            listed = find_delivery(connection, delivery, ours)
            totals = None if listed is None else (listed.pushes_total, listed.syncs_total)
            whole = is_wholly_in_scope(connection, delivery, scope("*"))
            return [totals, find_delivery(connection, delivery, nobody), whole]

    before = read()
    while True:
        with database.write() as connection:
            due = due_expansions(connection, NOW)
            for one in due[:1]:
                expand_portion(connection, one, NOW)
        if not due:
            break

    expected = len([one for one in pushes if one.namespace == "team-a"])
    assert before == [None, None, False]  # nobody knows yet what is in it
    assert read() == [(expected, expected), None, True]


def test_a_delivery_is_wholly_in_scope_only_with_all_its_images(database: Database) -> None:
    mixed = write(database, entry(pushed("team-a"), pushed("other"))).receipts[0].delivery
    alone = write(database, entry(pushed("team-a", "v2"))).receipts[0].delivery

    with database.read() as connection:
        results = [
            is_wholly_in_scope(connection, delivery, limits)
            for delivery in (mixed, alone)
            for limits in (None, scope("team-a"), scope("team-a", "other"))
        ]

    assert results == [True, False, True, True, True, True]
