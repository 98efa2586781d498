"""What the ledger keeps for others: the last good configuration, and refused credentials."""

from collections.abc import Callable
from datetime import datetime

from sqlalchemy import Connection, delete, select

from swrhook.ledger.database import Database
from swrhook.ledger.statements import upsert
from swrhook.ledger.tables import configurations, probes, refused_credentials

# How many configurations stay readable, for what their rules once decided.
_KEPT = 50


def keep_configuration(connection: Connection, version: str, body: bytes, now: datetime) -> None:
    """Keep a configuration file as the last good one."""
    statement = upsert(connection, configurations).values(version=version, body=body, used_at=now)
    connection.execute(
        statement.on_conflict_do_update(
            index_elements=[configurations.c.version], set_={"used_at": now}
        )
    )
    newest = select(configurations.c.version).order_by(configurations.c.used_at.desc())
    connection.execute(
        delete(configurations).where(configurations.c.version.not_in(newest.limit(_KEPT)))
    )


def last_configuration(connection: Connection) -> bytes | None:
    """Return the last good configuration file, or None when there never was one."""
    return connection.scalar(
        select(configurations.c.body).order_by(configurations.c.used_at.desc()).limit(1)
    )


def probe(connection: Connection, now: datetime) -> None:
    """Write something, to find out whether the ledger can be written."""
    statement = upsert(connection, probes).values(id=1, at=now)
    connection.execute(
        statement.on_conflict_do_update(index_elements=[probes.c.id], set_={"at": now})
    )


class RefusedCredentials:
    """Credentials that IAM refused: no process tries them again until they change."""

    def __init__(self, database: Database, clock: Callable[[], datetime]) -> None:
        """Read and write through this ledger."""
        self._database = database
        self._clock = clock

    def reason(self, fingerprint: str) -> str | None:
        """Return why this credential was refused, or None."""
        with self._database.read() as connection:
            return connection.scalar(
                select(refused_credentials.c.reason).where(
                    refused_credentials.c.fingerprint == fingerprint
                )
            )

    def refuse(self, fingerprint: str, reason: str) -> None:
        """Remember that this credential was refused."""
        with self._database.write() as connection:
            statement = upsert(connection, refused_credentials).on_conflict_do_nothing()
            row = {"fingerprint": fingerprint, "reason": reason, "refused_at": self._clock()}
            connection.execute(statement, row)
