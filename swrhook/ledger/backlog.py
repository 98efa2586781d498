"""How much work is open: what /metrics asks the ledger at each scrape."""

from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.exc import SQLAlchemyError

from swrhook.ledger.database import Database
from swrhook.ledger.tables import OPEN, syncs
from swrhook.metrics import Backlog, OpenSyncs
from swrhook.model import State


def read_backlog(database: Database, now: datetime) -> Backlog | None:
    """Return what is open now; None when the ledger cannot be read."""
    try:
        with database.read() as connection:
            rows = connection.execute(backlog_query()).all()
    except (SQLAlchemyError, OSError):
        return None
    due = [row for row in rows if row.state == State.DUE]
    return Backlog(
        open_syncs=[OpenSyncs(row.state, row.target_region, row.count_) for row in rows],
        oldest_due=_age(now, [row.created_at for row in due]),
        most_overdue=_age(now, [row.due_at for row in rows if row.due_at is not None]),
    )


def backlog_query() -> Select[tuple[str, str, int, datetime, datetime | None]]:
    """Return the query: one row for each state and target region with open syncs."""
    columns = (syncs.c.state, syncs.c.target_region)
    return (
        select(
            *columns,
            func.count().label("count_"),
            func.min(syncs.c.created_at).label("created_at"),
            func.min(syncs.c.due_at).label("due_at"),
        )
        .where(OPEN)
        .group_by(*columns)
    )


def _age(now: datetime, times: list[datetime]) -> float:
    return max((now - min(times)).total_seconds(), 0.0) if times else 0.0
