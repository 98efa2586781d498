"""A psycopg connection on which no wait for the server is without a limit.

A server that is stopped, or whose disk hangs, still acknowledges what it is sent: its kernel does.
So neither TCP nor the server's own time-outs end the wait for it, and the client has to.
"""

import select
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import psycopg
from psycopg import errors
from psycopg.abc import RV, PQGen

# Seconds to wait for the answer to a statement: somewhat longer than `statement_timeout`, so that
# a server that works ends the statement itself, and the connection is kept.
PATIENCE = 11.0
# Seconds after which a connection may have been cut by something between it and the server.
_IDLE = 10.0


class BoundedConnection(psycopg.Connection[Any]):
    """A connection that is closed, with an OperationalError, when an answer takes too long."""

    patience: float | None = PATIENCE
    _answered_at = 0.0  # by the monotonic clock

    @contextmanager
    def limit(self, patience: float | None) -> Iterator[None]:
        """Wait so many seconds within the block; None: without a limit."""
        before, self.patience = self.patience, patience
        try:
            yield
        finally:
            self.patience = before

    def wait(self, gen: PQGen[RV], interval: float = 0.1, timeout: float | None = None) -> RV:
        """Return what a generator of psycopg's own returns, once the server has answered."""
        if timeout is not None:  # a caller with a limit of its own
            return super().wait(gen, interval, timeout)
        try:
            answer = super().wait(gen, interval, self.patience)
        except errors._WaitTimeout as exc:  # noqa: SLF001  # its documented name
            self.close()
            message = f"the server has not answered for {self.patience:.0f} seconds"
            raise psycopg.OperationalError(message) from exc
        self._answered_at = time.monotonic()
        return answer

    def may_be_lost(self) -> bool:
        """Return whether the server may have closed the connection since its last answer."""
        if time.monotonic() - self._answered_at > _IDLE:
            return True
        poll = select.poll()
        poll.register(self.fileno(), select.POLLIN | select.POLLHUP)
        return bool(poll.poll(0))  # whatever it sent unasked: most likely that it is going away
