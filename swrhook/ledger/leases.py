"""Periodic work that one process does for all that share a ledger."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta

from sqlalchemy import Connection, or_, select

from swrhook.clock import Clock
from swrhook.ledger.database import Database
from swrhook.ledger.sql import upsert
from swrhook.ledger.tables import leases


@dataclass(frozen=True, slots=True)
class PeriodicLease:
    """Work with a name, of which one pass is made at a time, wherever its process is."""

    database: Database
    name: str
    clock: Clock

    def begin(self, every: timedelta) -> bool:
        """Tell whether a pass is ours to make now: none began, or went on, for so long.

        A time further ahead than that comes from a clock that was wrong, and does not count.
        """
        now = self.clock.now()
        is_due = or_(leases.c.renewed_at <= now - every, leases.c.renewed_at > now + every)
        with self.database.read() as connection:  # most looks find nothing to do, and write nothing
            noted = select(leases.c.name).where(leases.c.name == self.name, ~is_due)
            if connection.execute(noted).first() is not None:
                return False
        with self.database.write() as connection:
            statement = upsert(connection, leases).values(name=self.name, renewed_at=now)
            statement = statement.on_conflict_do_update(
                index_elements=[leases.c.name], set_={"renewed_at": now}, where=is_due
            )
            return connection.execute(statement.returning(leases.c.name)).first() is not None

    @contextmanager
    def step(self) -> Iterator[Connection]:
        """Yield a connection in a transaction, in which the pass is noted to go on."""
        with self.database.write() as connection:
            mine = leases.c.name == self.name
            connection.execute(leases.update().where(mine).values(renewed_at=self.clock.now()))
            yield connection
