"""The ledger's database: open it, and run transactions that write or read."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, contextmanager
from pathlib import Path
from typing import IO, Protocol

from sqlalchemy import Connection, Engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from swrhook.errors import CannotRecord, LedgerUnusable
from swrhook.ledger.migrate import Schema, is_usable, read_schema, upgrade
from swrhook.ledger.postgresql import CONNECT, MOST_CONNECTIONS, NOT_DURABLE, open_server
from swrhook.ledger.sqlite import SingleWriter, lock_file, open_file

# Seconds that a new process waits for the previous one: on HUP, gunicorn starts a new worker
# before it stops the old one.
LOCK_PATIENCE = 90.0
# Seconds that a thread waits for the thread that writes, in case its disk hangs.
WRITER_PATIENCE = 60.0
_ONE_SNAPSHOT = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


class Watch(Protocol):
    """Knows whether the database can be used, and never waits to find out."""

    def check(self) -> str | None:
        """Return why the ledger cannot be used, or None."""
        ...

    def silence(self) -> str | None:
        """Return that the database does not answer at all, or None."""
        ...


class Database:
    """An open ledger."""

    def __init__(
        self, engine: Engine, lock: IO[str] | None = None, *, patience: float = WRITER_PATIENCE
    ) -> None:
        """Take over the engine, and the locked file that keeps other processes out."""
        self._engine = engine
        # A reader sees one snapshot, however many statements it runs. SQLite always works so.
        self._reader = engine if self.is_sqlite else engine.execution_options(**_ONE_SNAPSHOT)
        self._writer = SingleWriter(engine, patience) if self.is_sqlite else None
        self._lock_file = lock
        self.watch: Watch | None = None

    @property
    def is_sqlite(self) -> bool:
        """Tell whether this is SQLite, which only one process uses."""
        return self._engine.dialect.name == "sqlite"

    @property
    def folder(self) -> Path | None:
        """Return the folder of the ledger's file; None on PostgreSQL."""
        return Path(str(self._engine.url.database)).parent if self.is_sqlite else None

    @property
    def conninfo(self) -> str:
        """Return the server's address for libpq, with the connection limits of the ledger.

        It may contain a password: never show it.
        """
        url = self._engine.url.set(drivername="postgresql")
        limits = {name: str(value) for name, value in CONNECT.items()}
        return url.update_query_dict(limits).render_as_string(hide_password=False)

    def problem(self) -> str | None:
        """Return why the ledger cannot be used, as far as its watch knows. Never waits."""
        return None if self.watch is None else self.watch.check()

    def spare(self) -> "Database":
        """Return the same ledger with a connection of its own, however busy the others are."""
        return Database(_connect(self._engine.url, connections=1))

    def ask(self) -> str | None:
        """Ask the database whether it can be written; return why not, or None.

        Raises SQLAlchemyError and OSError when it cannot be asked.
        """
        question = "SELECT 0 FROM probes" if self.is_sqlite else "SHOW transaction_read_only"
        with self._engine.connect() as connection:
            answer = connection.exec_driver_sql(question).scalar()
        if answer == "on":
            return "the database is read-only: is it a standby? Check SWRHOOK_DATABASE_URL"
        return None

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Connection]:
        """Yield a connection in a transaction; on disk when the block ends without an error.

        A transaction that is not `durable` may be lost with the machine, but not with the process;
        a later durable one also makes it so. Raises OSError at once while the database is silent.
        """
        self._check_silence()
        with self._connect_writer(durable=durable) as connection:
            callbacks = connection.info["after_commit"] = []
            with connection.begin():
                if not durable and self._writer is None:
                    connection.exec_driver_sql(NOT_DURABLE)
                yield connection
        for callback in callbacks:
            callback()

    def _connect_writer(self, *, durable: bool) -> AbstractContextManager[Connection]:
        if self._writer is None:
            return self._engine.connect()
        return self._writer.connect(durable=durable)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        """Yield a connection that sees one snapshot of the ledger."""
        self._check_silence()
        with self._reader.connect() as connection, connection.begin():
            yield connection

    def _check_silence(self) -> None:
        if self.watch is not None and (silence := self.watch.silence()) is not None:
            raise OSError(silence)

    def close(self) -> None:
        """Close every connection, and release the lock file."""
        if self._writer is not None:
            self._writer.close()
        self._engine.dispose()
        if self._lock_file is not None:
            self._lock_file.close()


@contextmanager
def transaction(database: Database) -> Iterator[Connection]:
    """Yield a connection in a transaction, like `Database.write`. Raises CannotRecord."""
    try:
        with database.write() as connection:
            yield connection
    except (SQLAlchemyError, OSError) as exc:
        raise as_cannot_record(exc) from exc


def as_cannot_record(exc: Exception) -> CannotRecord:
    """Translate an error of the database into CannotRecord, with the first line of its message."""
    error = CannotRecord(f"the ledger cannot be written: {reason_of(exc)}")
    error.__cause__ = exc
    return error


def reason_of(exc: Exception) -> str:
    """Return the first line of what the database itself says in an error."""
    lines = str(getattr(exc, "orig", None) or exc).splitlines() or [repr(exc)]
    return lines[0]


def after_commit(connection: Connection, callback: Callable[[], None]) -> None:
    """Call back when the transaction of `Database.write` is on disk; never if it fails."""
    connection.info["after_commit"].append(callback)


def open_database(url: str, *, patience: float = LOCK_PATIENCE) -> Database:
    """Open the ledger and upgrade its schema; a file and its folder are created if missing.

    Raises LedgerUnusable: a wrong URL, another process on the same SQLite file, a schema newer
    than this program, or a database that cannot be reached.
    """
    parsed, engine = _engine(url)
    database = Database(engine)
    with _errors_translated(parsed, database):
        if database.is_sqlite:
            database = Database(engine, lock_file(parsed, patience))
    with _errors_translated(parsed, database):
        upgrade(engine)
    return database


def open_existing(url: str) -> Database | None:
    """Open a ledger that a running service may be using, to read it and to write single rows.

    Return None when there is no ledger yet, or one of another revision. Raises LedgerUnusable
    when it cannot be written.
    """
    parsed, engine = _engine(url)
    database = Database(engine)
    if database.is_sqlite and not Path(str(parsed.database)).exists():
        return None
    with _errors_translated(parsed, database), database.write():
        usable = is_usable(engine)
    if not usable:
        database.close()
        return None
    return database


def schema_of(url: str) -> Schema:
    """Return the ledger's revision and this program's; change nothing. Raises LedgerUnusable."""
    parsed, engine = _engine(url)
    database = Database(engine)
    with _errors_translated(parsed, database):
        if database.is_sqlite and not Path(str(parsed.database)).exists():
            message = f"there is no ledger {parsed.database} yet: starting the service creates it"
            raise LedgerUnusable(message)
        schema = read_schema(engine)
    database.close()
    return schema


@contextmanager
def _errors_translated(url: URL, database: Database) -> Iterator[None]:
    """On an error, close the database and raise LedgerUnusable."""
    try:
        yield
    except (SQLAlchemyError, OSError) as exc:
        database.close()
        reason = str(exc).splitlines()[0]
        message = f"the ledger {url.render_as_string()} cannot be opened: {reason}"
        raise LedgerUnusable(message) from exc
    except LedgerUnusable:
        database.close()
        raise


def _engine(url: str) -> tuple[URL, Engine]:
    try:
        parsed = make_url(url)
        return parsed, _connect(parsed)
    except (ArgumentError, NoSuchModuleError, ModuleNotFoundError) as exc:
        message = f"SWRHOOK_DATABASE_URL is not usable: {exc}"
        raise LedgerUnusable(message) from exc


def _connect(url: URL, connections: int = MOST_CONNECTIONS) -> Engine:
    is_sqlite = url.get_backend_name() == "sqlite"
    return open_file(url) if is_sqlite else open_server(url, connections)
