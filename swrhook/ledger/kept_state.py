"""What the ledger keeps for others: the last good configuration, and refused credentials."""

from datetime import datetime

from sqlalchemy import Connection, delete, select

from swrhook.clock import Clock
from swrhook.ledger.database import Database
from swrhook.ledger.sql import upsert
from swrhook.ledger.tables import configurations, probes, refused_credentials
from swrhook.model import Refusal

# How many configurations stay readable, for what their rules once decided.
_KEPT = 50


def save_configuration(connection: Connection, version: str, body: bytes, now: datetime) -> None:
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

    def __init__(self, database: Database, clock: Clock) -> None:
        """Read and write through this ledger."""
        self._database = database
        self._clock = clock

    def refusal(self, fingerprint: str) -> Refusal | None:
        """Return the last refusal of this credential, or None."""
        table = refused_credentials
        wanted = select(table.c.reason, table.c.again_at)
        with self._database.read() as connection:
            row = connection.execute(wanted.where(table.c.fingerprint == fingerprint)).first()
        return None if row is None else Refusal(row.reason, row.again_at)

    def refuse(self, fingerprint: str, refusal: Refusal) -> None:
        """Remember that this credential was refused."""
        said = {
            "reason": refusal.reason,
            "refused_at": self._clock.now(),
            "again_at": refusal.again_at,
        }
        with self._database.write() as connection:
            statement = upsert(connection, refused_credentials)
            statement = statement.values(fingerprint=fingerprint, **said)
            connection.execute(
                statement.on_conflict_do_update(
                    index_elements=[refused_credentials.c.fingerprint], set_=said
                )
            )
