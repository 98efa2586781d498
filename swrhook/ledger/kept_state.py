"""State that other packages keep in the ledger: good configurations and refused credentials."""

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, select

from swrhook.clock import Clock
from swrhook.ledger.database import Database
from swrhook.ledger.service_tables import configurations, probes, refused_credentials
from swrhook.ledger.sql import put
from swrhook.model import Refusal

# Configurations to keep. Old ones explain why an earlier delivery matched a rule.
_MOST_CONFIGURATIONS = 50


def save_configuration(connection: Connection, version: str, body: bytes, now: datetime) -> None:
    """Keep a configuration, without comments and secrets, as the last good one."""
    put(connection, configurations, {"version": version}, {"body": body, "used_at": now})
    newest = select(configurations.c.version).order_by(configurations.c.used_at.desc())
    kept = newest.limit(_MOST_CONFIGURATIONS)
    connection.execute(delete(configurations).where(configurations.c.version.not_in(kept)))


def last_configuration(connection: Connection) -> tuple[str, bytes] | None:
    """Return version and text of the last good configuration, or None when there is none yet."""
    query = select(configurations.c.version, configurations.c.body)
    row = connection.execute(query.order_by(configurations.c.used_at.desc()).limit(1)).first()
    return None if row is None else (row.version, row.body)


def probe(connection: Connection, now: datetime) -> None:
    """Write a row, to test whether the ledger can be written."""
    put(connection, probes, {"id": 1}, {"at": now})


@dataclass(frozen=True, slots=True)
class RefusedCredentials:
    """Credentials that IAM refused, shared by all processes.

    No process tries one again before it changes, because repeated failures lock the account.
    """

    database: Database
    clock: Clock

    def refusal(self, fingerprint: str) -> Refusal | None:
        """Return the last refusal of a credential, or None."""
        table = refused_credentials
        query = select(table.c.reason, table.c.again_at).where(table.c.fingerprint == fingerprint)
        with self.database.read() as connection:
            row = connection.execute(query).first()
        return None if row is None else Refusal(row.reason, row.again_at)

    def forget(self, fingerprint: str) -> None:
        """Delete the refusal of a credential."""
        refused = refused_credentials.c.fingerprint == fingerprint
        with self.database.write() as connection:
            connection.execute(delete(refused_credentials).where(refused))

    def refuse(self, fingerprint: str, refusal: Refusal) -> None:
        """Keep the refusal of a credential."""
        values = {
            "reason": refusal.reason,
            "refused_at": self.clock.now(),
            "again_at": refusal.again_at,
        }
        with self.database.write() as connection:
            put(connection, refused_credentials, {"fingerprint": fingerprint}, values)
