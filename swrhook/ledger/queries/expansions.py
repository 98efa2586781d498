"""Large deliveries whose pushes are not all recorded yet."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, select

from swrhook.ledger.queries.pagination import equals
from swrhook.ledger.rows import field_columns
from swrhook.ledger.tables import deliveries, expansions

MOST_LISTED = 5


@dataclass(frozen=True, slots=True)
class ListedExpansion:
    """A delivery, and how many of its pushes are to be recorded yet.

    `over_max_open`: it waits, because its sender has too many open syncs.
    """

    delivery: str
    sender: str
    received_at: datetime
    pushes_total: int
    pushes_left: int
    over_max_open: bool


@dataclass(frozen=True, slots=True)
class SenderExpansions:
    """The number of a sender's deliveries, and of their pushes, that are to be recorded yet.

    `over_max_open` counts the deliveries that wait, because the sender has too many open syncs.
    """

    sender: str
    deliveries: int
    pushes: int
    over_max_open: int


def list_expansions(connection: Connection, sender: str | None = None) -> list[ListedExpansion]:
    """Return the oldest ones, of a sender or of all."""
    columns = [*field_columns(expansions, ListedExpansion), deliveries.c.received_at]
    query = (
        select(*columns, deliveries.c.pushes_total)
        .join_from(expansions, deliveries, deliveries.c.id == expansions.c.delivery)
        .where(*equals(expansions.c.sender, sender))
        .order_by(expansions.c.delivery)
        .limit(MOST_LISTED)
    )
    return [ListedExpansion(**row) for row in connection.execute(query).mappings()]


def count_expansions(connection: Connection) -> Sequence[SenderExpansions]:
    """Return a count for each sender that has any."""
    query = select(
        expansions.c.sender,
        func.count(),
        func.sum(expansions.c.pushes_left),
        func.count().filter(expansions.c.over_max_open),
    ).group_by(expansions.c.sender)
    return [SenderExpansions(*row) for row in connection.execute(query)]
