"""The ledger's database: opened once, with one way to write and one to read."""

import fcntl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, nullcontext
from contextvars import ContextVar
from pathlib import Path
from typing import IO, Any

import sqlalchemy
from sqlalchemy import Connection, Engine, event
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from swrhook.errors import CannotRecord, LedgerUnusable
from swrhook.ledger.migrate import Schema, is_current, read_schema, upgrade
from swrhook.ledger.postgresql import CONNECT, open_server
from swrhook.ledger.sql import execute

# A new process waits this long for the one before it: gunicorn's HUP starts the new worker first.
LOCK_PATIENCE = 90.0
_BUSY_TIMEOUT_MS = 10_000
# Seconds for which a thread waits for the one that writes: a stuck disk must not hold it for ever.
WRITER_PATIENCE = 60.0
_ONE_STATE = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


class Database:
    """An open ledger. SQLite has one writer at a time: a lock here spares it its busy polling."""

    def __init__(
        self, engine: Engine, lock_file: IO[str] | None = None, *, patience: float = WRITER_PATIENCE
    ) -> None:
        """Take over the engine, and the lock that says that no other process writes."""
        self._engine = engine
        # One state of the ledger for as many statements as a reader needs; SQLite has no other way.
        self._reader = engine if self.is_sqlite else engine.execution_options(**_ONE_STATE)
        self._writes = engine.execution_options(swrhook_begin="BEGIN IMMEDIATE")
        self._lock_file = lock_file
        self._writer: Any = TimedLock(patience) if self.is_sqlite else nullcontext()

    @property
    def is_sqlite(self) -> bool:
        """Tell whether this is the embedded database: one process only."""
        return self._engine.dialect.name == "sqlite"

    @property
    def folder(self) -> Path | None:
        """Return the folder of the ledger's file; None where a server keeps it."""
        return Path(str(self._engine.url.database)).parent if self.is_sqlite else None

    @property
    def conninfo(self) -> str:
        """Return the server's address for libpq, with the ledger's own limits of a connection.

        It may hold a password: it is never shown.
        """
        url = self._engine.url.set(drivername="postgresql")
        limits = {name: str(value) for name, value in CONNECT.items()}
        return url.update_query_dict(limits).render_as_string(hide_password=False)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """Yield a connection in a transaction, on disk when the block ends without an error."""
        with self._writer, self._writes.connect() as connection:
            callbacks = connection.info["after_commit"] = []
            with connection.begin():
                if (check := _fence.get()) is not None:
                    check(connection)
                yield connection
        for callback in callbacks:
            callback()

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection that sees one state of the ledger."""
        with self._reader.connect() as connection, connection.begin():
            yield connection

    def close(self) -> None:
        """Close every connection and let the next process in."""
        self._engine.dispose()
        if self._lock_file is not None:
            self._lock_file.close()


_fence: ContextVar[Callable[[Connection], None] | None] = ContextVar("fence", default=None)


@contextmanager
def write_guard(check: Callable[[Connection], None]) -> Iterator[None]:
    """Let each write of this thread, inside the block, begin with a check that may refuse it.

    The check is part of the write's transaction, and raises to undo it.
    """
    token = _fence.set(check)
    try:
        yield
    finally:
        _fence.reset(token)


@contextmanager
def transaction(database: Database) -> Iterator[Connection]:
    """Yield a connection in a transaction, like `Database.write`. Raises CannotRecord."""
    try:
        with database.write() as connection:
            yield connection
    except (SQLAlchemyError, OSError) as exc:
        raise as_cannot_record(exc) from exc


def as_cannot_record(exc: Exception) -> CannotRecord:
    """Translate an error of the database into CannotRecord, with the driver's first line."""
    reason = str(getattr(exc, "orig", None) or exc).splitlines() or [repr(exc)]
    error = CannotRecord(f"the ledger cannot be written: {reason[0]}")
    error.__cause__ = exc
    return error


def after_commit(connection: Connection, callback: Callable[[], None]) -> None:
    """Call back once the transaction of `Database.write` is on disk, and never if it fails."""
    connection.info["after_commit"].append(callback)


def open_database(url: str, *, patience: float = LOCK_PATIENCE) -> Database:
    """Open the ledger and bring its schema up to date; SQLite's folder is made.

    Raises LedgerUnusable: a wrong URL, another process on the same SQLite file, a schema newer
    than this program, or a database that cannot be reached.
    """
    parsed, engine = _engine(url)
    database = Database(engine)
    with _translated(parsed, database):
        if database.is_sqlite:
            database = Database(engine, _lock(parsed, patience))
    with _translated(parsed, database):
        upgrade(engine)
    return database


def schema_of(url: str) -> Schema:
    """Return the ledger's revision and the wanted one; nothing is made. Raises LedgerUnusable."""
    parsed, engine = _engine(url)
    database = Database(engine)
    with _translated(parsed, database):
        if database.is_sqlite and not Path(str(parsed.database)).exists():
            message = f"there is no ledger {parsed.database} yet: a start makes it"
            raise LedgerUnusable(message)
        schema = read_schema(engine)
    database.close()
    return schema


@contextmanager
def _translated(url: URL, database: Database) -> Iterator[None]:
    """Raise what goes wrong as LedgerUnusable, with the database closed."""
    try:
        yield
    except (SQLAlchemyError, OSError) as exc:
        database.close()
        message = f"the ledger {url.render_as_string()} cannot be opened: {_first_line(exc)}"
        raise LedgerUnusable(message) from exc
    except LedgerUnusable:
        database.close()
        raise


def _engine(url: str) -> tuple[URL, Engine]:
    try:
        parsed = make_url(url)
        is_sqlite = parsed.get_backend_name() == "sqlite"
        return parsed, _sqlite(parsed) if is_sqlite else open_server(parsed)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as exc:
        message = f"SWRHOOK_DATABASE_URL is not usable: {exc}"
        raise LedgerUnusable(message) from exc


def open_existing(url: str) -> Database | None:
    """Open a ledger beside the process that serves, to read it and write a row now and then.

    None when there is none yet, or one of another revision. Raises LedgerUnusable when it cannot
    be written.
    """
    parsed, engine = _engine(url)
    database = Database(engine)
    if database.is_sqlite and not Path(str(parsed.database)).exists():
        return None
    with _translated(parsed, database), database.write():
        usable = is_current(engine)
    if not usable:
        database.close()
        return None
    return database


def _sqlite(url: URL) -> Engine:
    # SQLite reads «file:…» as a URI, which may say «in memory» too.
    if not url.database or url.database == ":memory:" or url.database.startswith("file:"):
        message = "SWRHOOK_DATABASE_URL: a ledger in memory loses everything; name a file"
        raise LedgerUnusable(message)
    # SQLAlchemy begins transactions itself (isolation_level None), see _begin.
    engine = sqlalchemy.create_engine(
        url, pool_size=8, max_overflow=64, connect_args={"isolation_level": None}
    )
    event.listen(engine, "connect", _set_pragmas)
    event.listen(engine, "begin", _begin)
    return engine


def _set_pragmas(connection: Any, _record: object) -> None:  # noqa: ANN401  # DBAPI's own type
    for pragma in (
        "journal_mode = WAL",  # readers do not wait for the writer
        "synchronous = FULL",  # a commit is on disk: a 2xx is a promise
        f"busy_timeout = {_BUSY_TIMEOUT_MS}",  # a backup or the shell may hold the file briefly
        "wal_autocheckpoint = 4000",
        "cache_size = -16000",
    ):
        connection.execute(f"PRAGMA {pragma}")


def _begin(connection: Connection) -> None:
    # IMMEDIATE: a transaction that will write must not find out halfway that another one does.
    options = connection.get_execution_options()
    execute(connection, options.get("swrhook_begin", "BEGIN"), ())


def _lock(url: URL, patience: float) -> IO[str]:
    """Hold `<file>.lock` for as long as this process lives. Raises LedgerUnusable when held."""
    path = Path(f"{url.database}.lock")
    path.parent.mkdir(parents=True, exist_ok=True)
    lock_file = path.open("a", encoding="utf-8")
    deadline = time.monotonic() + patience
    while True:
        try:
            fcntl.flock(lock_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() < deadline:
                time.sleep(0.1)
                continue
            lock_file.close()
            message = (
                f"another process uses {url.database}: SQLite serves one process with threads. "
                "Stop the other one, or set SWRHOOK_DATABASE_URL to PostgreSQL for several"
            )
            raise LedgerUnusable(message) from None
        return lock_file


def _first_line(exc: Exception) -> str:
    return str(exc).splitlines()[0]


class TimedLock:
    """A lock that is waited for for seconds, and then raises TimeoutError."""

    def __init__(self, patience: float) -> None:
        self._lock = threading.Lock()
        self._patience = patience

    def __enter__(self) -> None:
        if not self._lock.acquire(timeout=self._patience):
            raise TimeoutError("another thread has been writing for too long")

    def __exit__(self, *_exc: object) -> None:
        self._lock.release()
