"""Dashboard sessions that were signed out, so that no process accepts their cookies again."""

from datetime import datetime

from sqlalchemy import delete, select

from swrhook.ledger.database import Database, transaction
from swrhook.ledger.sql import upsert
from swrhook.ledger.tables import ended_sessions


def end(database: Database, session: str, until: datetime, now: datetime) -> None:
    """End a session. It is forgotten after `until`, when it has expired. Raises CannotRecord."""
    row = {"session": session, "until": until}
    with transaction(database) as connection:
        connection.execute(delete(ended_sessions).where(ended_sessions.c.until < now))
        connection.execute(upsert(connection, ended_sessions).values(row).on_conflict_do_nothing())


def has_ended(database: Database, session: str) -> bool:
    """Tell whether a session was signed out."""
    query = select(ended_sessions.c.session).where(ended_sessions.c.session == session)
    with database.read() as connection:
        return connection.execute(query).first() is not None
