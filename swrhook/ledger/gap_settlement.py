"""Between two comparisons, gaps follow their syncs: they begin, end, and close if verified."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, func, select, update

from swrhook.ledger.coverage import (
    CHANGED_COLUMNS,
    Change,
    apply_changes,
    close_gaps,
    open_routes,
    place_of,
)
from swrhook.ledger.coverage_tables import gaps
from swrhook.ledger.rows import group
from swrhook.ledger.sql import in_portions
from swrhook.ledger.tables import syncs
from swrhook.model import State
from swrhook.syncs.coverage import Gap, count_gap


@dataclass(frozen=True, slots=True)
class GapChanges:
    """Gaps whose syncs have moved on, by route, and the route after which the next portion begins.

    `closed`: the sync was verified; `begun` and `ended`: it is open now, or no longer. `last` is
    None if there is no next portion.
    """

    closed: Sequence[str]
    begun: Sequence[str]
    ended: Sequence[str]
    last: str | None

    @property
    def count(self) -> int:
        """Return how many gaps have changed."""
        return len(self.closed) + len(self.begun) + len(self.ended)


def has_gaps(connection: Connection) -> bool:
    """Tell whether there are any gaps."""
    return connection.execute(select(gaps.c.route).limit(1)).first() is not None


def find_changes(connection: Connection, after: str, most: int) -> GapChanges:
    """Return which of the next gaps after a route have changed; most of them have not."""
    query = select(*_COLUMNS).where(gaps.c.route > after).order_by(gaps.c.route).limit(most)
    rows = connection.execute(query).mappings().all()
    open_now = open_routes(connection, [row["route"] for row in rows])
    resting = [row for row in rows if row["route"] not in open_now]
    verified = _verified(connection, resting)
    closed = {row["route"] for row in resting if verified.get(row["route"], False)}
    return GapChanges(
        sorted(closed),
        [row["route"] for row in rows if row["route"] in open_now and not row["on_the_way"]],
        [row["route"] for row in resting if row["on_the_way"] and row["route"] not in closed],
        rows[-1]["route"] if len(rows) == most else None,
    )


def settle(connection: Connection, after: str, most: int) -> GapChanges:
    """Close the gaps of a portion whose sync was verified, and follow syncs that began or ended."""
    gap_changes = find_changes(connection, after, most)
    changes = [
        *close_gaps(connection, gap_changes.closed),
        *_set_on_the_way(connection, gap_changes.begun, on_the_way=True),
        *_set_on_the_way(connection, gap_changes.ended, on_the_way=False),
    ]
    apply_changes(connection, changes)
    return gap_changes


_COLUMNS = [
    gaps.c[name]
    for name in ("route", "namespace", "repository", "tag", "on_the_way", "observed_at")
]


def _set_on_the_way(
    connection: Connection, routes: Sequence[str], *, on_the_way: bool
) -> list[Change]:
    changes: list[Change] = []
    for portion in in_portions(routes):
        is_other = gaps.c.on_the_way.is_(not on_the_way)
        statement = update(gaps).where(gaps.c.route.in_(portion), is_other)
        statement = statement.values(on_the_way=on_the_way)
        for row in connection.execute(statement.returning(*CHANGED_COLUMNS)):
            before = count_gap(Gap(row.kind), on_the_way=not on_the_way)
            after = count_gap(Gap(row.kind), on_the_way=on_the_way)
            changes.append((*place_of(row), after - before))
    return changes


def _verified(connection: Connection, rows: Sequence[Any]) -> dict[str, bool]:
    """Return for each route whether its newest sync was verified after the gap was found."""
    tags = group(((row["namespace"], row["repository"]), row["tag"]) for row in rows)
    found_at = {row["route"]: row["observed_at"] for row in rows}
    verified: dict[str, bool] = {}
    for (namespace, repository), names in sorted(tags.items()):
        is_of_tags = (
            syncs.c.namespace == namespace,
            syncs.c.repository == repository,
            syncs.c.tag.in_(sorted({*names})),
        )
        newest = select(func.max(syncs.c.id)).where(*is_of_tags).group_by(syncs.c.route)
        columns = (syncs.c.route, syncs.c.state, syncs.c.verified_at)
        for row in connection.execute(select(*columns).where(syncs.c.id.in_(newest))):
            is_verified = row.state == State.VERIFIED.value and row.verified_at is not None
            if row.route in found_at:
                verified[row.route] = is_verified and row.verified_at >= found_at[row.route]
    return verified
