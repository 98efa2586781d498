"""When each sender delivered last, and what its deliveries became. Replays are not the sender's."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, Select, func, select
from sqlalchemy.exc import SQLAlchemyError

from swrhook.ledger.database import Database
from swrhook.ledger.queries.pagination import window
from swrhook.ledger.tables import deliveries

_OWN = deliveries.c.replayed_from.is_(None)


def last_deliveries(database: Database, senders: Iterable[str]) -> Mapping[str, datetime] | None:
    """Return when each of these delivered last; None when the ledger cannot be read.

    One that never has is left out.
    """
    try:
        with database.read() as connection:
            found = {name: connection.scalar(last_query(name)) for name in senders}
    except (SQLAlchemyError, OSError):
        return None
    return {name: at for name, at in found.items() if at is not None}


def last_query(sender: str) -> Select[datetime]:
    """Return the query: one step in the index, unless the newest ones are replays."""
    newest_first = select(deliveries.c.received_at).order_by(deliveries.c.id.desc())
    return newest_first.where(deliveries.c.sender == sender, _OWN).limit(1)


def count_outcomes(connection: Connection, since: datetime) -> Mapping[tuple[str, str], int]:
    """Return how many deliveries of a sender had an outcome since then, by sender and outcome."""
    columns = (deliveries.c.sender, deliveries.c.outcome)
    conditions = window(deliveries, deliveries.c.received_at, since, None)
    query = select(*columns, func.count()).where(_OWN, *conditions).group_by(*columns)
    return {(sender, outcome): count for sender, outcome, count in connection.execute(query)}
