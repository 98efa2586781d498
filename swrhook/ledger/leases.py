"""Leases: periodic work that one of the processes on a ledger does for all."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, or_, select

from swrhook.clock import Clock
from swrhook.ledger.database import Database
from swrhook.ledger.service_tables import leases
from swrhook.ledger.sql import upsert


@dataclass(frozen=True, slots=True)
class PeriodicLease:
    """Work with a name, which at most one process does at a time."""

    database: Database
    name: str
    clock: Clock

    def begin(self, every: timedelta) -> bool:
        """Acquire the lease if it was not acquired or renewed for `every`; tell whether it was.

        A time further in the future than `every` was set by a clock that was wrong, and is ignored.
        """
        now = self.clock.now()
        is_due = or_(leases.c.renewed_at <= now - every, leases.c.renewed_at > now + every)
        # Most attempts come too early. A read finds that out without waiting for the writer.
        with self.database.read() as connection:
            early = select(leases.c.name).where(leases.c.name == self.name, ~is_due)
            if connection.execute(early).first() is not None:
                return False
        with self.database.write() as connection:
            statement = upsert(connection, leases).values(name=self.name, renewed_at=now)
            statement = statement.on_conflict_do_update(
                index_elements=[leases.c.name], set_={"renewed_at": now}, where=is_due
            )
            return connection.execute(statement.returning(leases.c.name)).first() is not None

    @contextmanager
    def step(self) -> Iterator[Connection]:
        """Yield a connection in a transaction that also renews the lease."""
        with self.database.write() as connection:
            renewal = leases.update().where(leases.c.name == self.name)
            connection.execute(renewal.values(renewed_at=self.clock.now()))
            yield connection
