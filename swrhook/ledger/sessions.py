"""Sessions that were signed out: their cookies are good for nothing, at any process."""

from datetime import datetime

from sqlalchemy import delete, select

from swrhook.ledger.database import Database, transaction
from swrhook.ledger.sql import upsert
from swrhook.ledger.tables import ended_sessions


def end(database: Database, session: str, until: datetime, now: datetime) -> None:
    """Note that a session has ended, until it would have anyway. Raises CannotRecord."""
    row = {"session": session, "until": until}
    with transaction(database) as connection:
        connection.execute(delete(ended_sessions).where(ended_sessions.c.until < now))
        connection.execute(upsert(connection, ended_sessions).values(row).on_conflict_do_nothing())


def has_ended(database: Database, session: str) -> bool:
    """Tell whether somebody has ended the session."""
    wanted = select(ended_sessions.c.session).where(ended_sessions.c.session == session)
    with database.read() as connection:
        return connection.execute(wanted).first() is not None
