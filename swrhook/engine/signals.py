"""How an engine learns that lanes are ready: in its process, or from others on PostgreSQL."""

import threading
from collections.abc import Callable

from sqlalchemy import Connection

from swrhook import logs
from swrhook.ledger.database import Database, after_commit
from swrhook.ledger.postgresql import listen
from swrhook.ledger.sql import execute

_RECONNECT_PAUSE = 1.0


class LocalSignal:
    """Calls back in this process, the only one on a SQLite ledger."""

    def __init__(self, _database: Database, callback: Callable[[], None]) -> None:
        self._callback = callback

    def send(self, connection: Connection) -> None:
        """Signal once the connection's transaction has committed."""
        after_commit(connection, self._callback)

    def start(self) -> None:
        """Do nothing: there is nothing to receive from other processes."""

    def stop(self) -> None:
        """Do nothing."""


class PostgresSignal:
    """Sends and receives PostgreSQL's notifications, which are part of the transaction."""

    def __init__(self, database: Database, callback: Callable[[], None]) -> None:
        self._database = database
        self._callback = callback
        self._stopping = threading.Event()
        self._thread = threading.Thread(target=self._listen, name="lanes-signal", daemon=True)

    def send(self, connection: Connection) -> None:
        """Signal to all processes once the connection's transaction has committed."""
        execute(connection, f"NOTIFY {_CHANNEL}", returns_rows=False)

    def start(self) -> None:
        """Start to listen."""
        self._thread.start()

    def stop(self) -> None:
        """Stop listening."""
        self._stopping.set()
        if self._thread.is_alive():
            self._thread.join()

    def _listen(self) -> None:
        while not self._stopping.is_set():
            try:
                with listen(self._database.conninfo, _CHANNEL) as receive:
                    self._callback()  # whatever was sent before
                    while not self._stopping.is_set():
                        if receive(_PATIENCE):
                            self._callback()
            except OSError as exc:
                logs.failure("engine.listen_failed", exc)
                self._stopping.wait(_RECONNECT_PAUSE)


_CHANNEL = "swrhook_lanes"
_PATIENCE = 0.5  # seconds after which the thread sees that it is to stop
