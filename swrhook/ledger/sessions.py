"""Sessions of the dashboard. A row has only hashes: nobody can make a cookie from it."""

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import delete, insert, select

from swrhook.ledger.database import Database, transaction
from swrhook.ledger.service_tables import sessions


@dataclass(frozen=True, slots=True)
class StoredSession:
    """A session: the hash of its cookie, the mark of its token, and when it expires.

    `identity` is the user of the identity provider, as JSON; None if a token began the session.
    """

    session: str
    mark: str
    until: datetime
    identity: str | None = None


def begin(database: Database, stored: StoredSession, now: datetime) -> None:
    """Store a new session, and delete those that have expired. Raises CannotRecord."""
    with transaction(database) as connection:
        connection.execute(delete(sessions).where(sessions.c.until <= now))
        connection.execute(insert(sessions), asdict(stored))


def find(database: Database, session: str, now: datetime) -> StoredSession | None:
    """Return a session that was neither ended nor has expired."""
    query = select(sessions).where(sessions.c.session == session, sessions.c.until > now)
    with database.read() as connection:
        row = connection.execute(query).mappings().first()
    return None if row is None else StoredSession(**row)


def end(database: Database, session: str) -> None:
    """End a session. Raises CannotRecord."""
    with transaction(database) as connection:
        connection.execute(delete(sessions).where(sessions.c.session == session))
