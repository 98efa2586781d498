"""Every query of lists and of the dashboard uses an index, so that its cost is bounded."""

import re
from collections.abc import Callable, Sequence
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, event

from swrhook.ledger.queries.deliveries import list_deliveries
from swrhook.ledger.queries.overview import (
    count_quarantined,
    failing_groups,
    held_up_groups,
    late_groups,
    latencies,
    open_groups,
    recent_outcomes,
)
from swrhook.ledger.queries.sync_timeline import read_timeline
from swrhook.ledger.queries.syncs import list_syncs
from swrhook.ledger.queries.views import DeliveryFilter, ImageFilter, SyncFilter
from swrhook.rules.glob import Glob
from swrhook.rules.namespaces import Namespaces
from tests.web.harness import EAST, HONG_KONG, NOW, WebHarness

SCOPE = Namespaces((Glob("team"), Glob("other")))
CURSOR = "7ZZZZZZZZZZZZZZZZZZZZZZZZZ"


def plans(connection: Connection, criteria: SyncFilter | DeliveryFilter) -> Sequence[str]:
    """Return SQLite's plan of every statement of a list, each as one text."""
    if isinstance(criteria, SyncFilter):
        return plans_of(connection, lambda: list_syncs(connection, criteria))
    return plans_of(connection, lambda: list_deliveries(connection, criteria))


def plans_of(connection: Connection, query: Callable[[], object]) -> Sequence[str]:
    statements: list[tuple[str, Any]] = []

    def note(*arguments: Any) -> None:
        statements.append((arguments[2], arguments[3]))

    event.listen(connection, "before_cursor_execute", note)
    query()
    event.remove(connection, "before_cursor_execute", note)
    return [explain(connection, *statement) for statement in statements]


def explain(connection: Connection, statement: str, values: Any = ()) -> str:
    """Return the steps of a statement; a statement without LIMIT may sort its page."""
    rows = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", values)
    steps = [row[3] for row in rows]
    return "; ".join(s for s in steps if "LIMIT" in statement or "TEMP B-TREE" not in s)


def reads_all(plan: str) -> bool:
    """Tell whether a plan sorts what it finds, or reads a table without an index."""
    return "TEMP B-TREE" in plan or any(
        step.startswith("SCAN") and "USING" not in step for step in plan.split("; ")
    )


SYNC_FILTERS = [
    SyncFilter(),
    SyncFilter(since=NOW),
    SyncFilter(states=frozenset({"verified"})),
    SyncFilter(states=frozenset({"missing", "rejected"}), region="cn-east-3", standing=True),
    SyncFilter(states=frozenset({"pending", "rejected"}), since=NOW),
    SyncFilter(region="cn-east-3"),
    SyncFilter(namespace="team"),
    SyncFilter(region="cn-east-3", namespace="team", states=frozenset({"verified", "pending"})),
    SyncFilter(region="cn-east-3", states=frozenset({"rejected"})),
    SyncFilter(region="cn-east-3", states=frozenset({"unverified"}), since=NOW),
    SyncFilter(image=ImageFilter("team", "web", "v1"), states=frozenset({"verified"})),
    SyncFilter(rule="all", states=frozenset({"verified"})),
    SyncFilter(scope=SCOPE),
    SyncFilter(scope=SCOPE, states=frozenset({"rejected"}), region="cn-east-3", since=NOW),
    SyncFilter(scope=Namespaces((Glob("t*"),))),
]
DELIVERY_FILTERS = [
    DeliveryFilter(),
    DeliveryFilter(since=NOW),
    DeliveryFilter(sender="ci"),
    DeliveryFilter(outcome="ignored", since=NOW),
    DeliveryFilter(sender="ci", outcome="accepted"),
    DeliveryFilter(sender="ci", outcome="quarantined"),
    DeliveryFilter(scope=SCOPE),
    DeliveryFilter(scope=SCOPE, sender="ci", outcome="accepted", since=NOW),
    DeliveryFilter(scope=Namespaces((Glob("t*"),))),
]


@pytest.mark.parametrize("cursor", [None, CURSOR])
@pytest.mark.parametrize(
    "criteria", [*SYNC_FILTERS, *DELIVERY_FILTERS], ids=lambda criteria: type(criteria).__name__
)
def test_a_page_is_read_in_index_order_without_sorting(
    harness: WebHarness, criteria: SyncFilter | DeliveryFilter, cursor: str | None
) -> None:
    harness.push("team/web:v1", EAST, HONG_KONG)
    with harness.database.read() as connection:
        shown = plans(connection, replace(criteria, cursor=cursor))

    assert [plan for plan in shown if reads_all(plan)] == []


def test_rare_states_of_a_target_are_found_by_an_index_of_their_own(harness: WebHarness) -> None:
    harness.push("team/web:v1", EAST)
    criteria = SyncFilter(region="cn-east-3", states=frozenset({"unverified"}), since=NOW)
    with harness.database.read() as connection:
        shown = plans(connection, criteria)

    assert any("syncs_rare_by_target (state=? AND target_region=?" in plan for plan in shown)


def test_a_repositorys_syncs_are_sorted_and_no_others_are_read(harness: WebHarness) -> None:
    harness.push("team/web:v1")
    with harness.database.read() as connection:
        first, *_ = plans(connection, SyncFilter(image=ImageFilter("team", "web")))

    covering = "SEARCH syncs USING COVERING INDEX syncs_by_image (namespace=? AND repository=?)"
    assert f"{covering}; USE TEMP B-TREE FOR ORDER BY" == first


QUESTIONS: dict[str, Callable[[Connection], object]] = {
    "open": open_groups,
    "held up": held_up_groups,
    "late": lambda connection: late_groups(connection, NOW),
    "failing": lambda connection: failing_groups(connection, NOW),
    "quarantined": lambda connection: count_quarantined(connection, NOW),
    "outcomes": lambda connection: recent_outcomes(connection, ["ci"]),
    "latencies": lambda connection: latencies(connection, NOW),
    "life": lambda connection: read_timeline(connection, newest(connection)),
}


def newest(connection: Connection) -> str:
    return list_syncs(connection, SyncFilter(limit=1)).items[0].id


@pytest.mark.parametrize("question", QUESTIONS)
def test_every_query_of_the_dashboard_uses_an_index_and_a_limit(
    harness: WebHarness, question: str
) -> None:
    harness.push("team/web:v1", EAST, HONG_KONG)
    with harness.database.read() as connection:
        shown = plans_of(connection, lambda: QUESTIONS[question](connection))

    # The few rows that a limited walk along an index returns may be sorted and grouped.
    walk = r"(CO-ROUTINE|MATERIALIZE) anon_1; SEARCH [^;]*; SCAN anon_1(; USE TEMP B-TREE[^;]*)?"
    rest = [re.sub(rf"{walk}|USE TEMP B-TREE FOR GROUP BY", "", plan) for plan in shown]
    assert shown
    assert [plan for plan in rest if reads_all(plan) or "anon_1" in plan] == []
