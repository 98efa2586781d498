"""The last delivery of each sender, and counts of outcomes. Replays do not count."""

from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import Connection, Select, func, select

from swrhook.ledger.queries.pagination import newer_than
from swrhook.ledger.tables import deliveries

_IS_NO_REPLAY = deliveries.c.replayed_from.is_(None)


def last_deliveries(connection: Connection, senders: Iterable[str]) -> Mapping[str, datetime]:
    """Return when each sender delivered last; one that never delivered is left out."""
    times = {sender: connection.scalar(last_query(sender)) for sender in senders}
    return {sender: at for sender, at in times.items() if at is not None}


def last_query(sender: str) -> Select[datetime]:
    """Return the query for a sender's last delivery: one step in the index, except for replays."""
    newest_first = select(deliveries.c.received_at).order_by(deliveries.c.id.desc())
    return newest_first.where(deliveries.c.sender == sender, _IS_NO_REPLAY).limit(1)


def count_outcomes(connection: Connection, since: datetime) -> Mapping[tuple[str, str], int]:
    """Return the number of deliveries since then, by sender and outcome."""
    columns = (deliveries.c.sender, deliveries.c.outcome)
    conditions = newer_than(deliveries, deliveries.c.received_at, since)
    query = select(*columns, func.count()).where(_IS_NO_REPLAY, *conditions).group_by(*columns)
    return {(sender, outcome): count for sender, outcome, count in connection.execute(query)}
