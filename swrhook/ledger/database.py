"""The ledger's database: open it, and run transactions that write or read."""

from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, closing, contextmanager, suppress
from pathlib import Path
from typing import TypeAlias

from sqlalchemy import Connection, Engine
from sqlalchemy.engine import URL, make_url
from sqlalchemy.exc import ArgumentError, NoSuchModuleError, SQLAlchemyError

from swrhook.errors import CannotRecord, LedgerUnusable
from swrhook.ledger.failures import LedgerUnavailable, reason_of, unusable_on_error
from swrhook.ledger.migrate import Schema, is_usable, read_schema, upgrade
from swrhook.ledger.postgresql import CONNECT, MOST_CONNECTIONS, NOT_DURABLE, open_server
from swrhook.ledger.sql import execute
from swrhook.ledger.sqlite import Readers, SingleWriter, open_file
from swrhook.ledger.sqlite_file import LOCK_PATIENCE, SqliteFile, advance, read_mark
from swrhook.ledger.watch import Watch

# What `read` yields, to be passed on to the ledger's queries.
Snapshot: TypeAlias = Connection

# Seconds that a thread waits for the thread that writes, in case its disk hangs.
WRITER_PATIENCE = 60.0
_IS_READ_ONLY = "SHOW transaction_read_only"
_ONE_SNAPSHOT = {"isolation_level": "REPEATABLE READ", "postgresql_readonly": True}


class Database:
    """An open ledger."""

    def __init__(
        self,
        engine: Engine,
        file: SqliteFile | None = None,
        *,
        patience: float = WRITER_PATIENCE,
        is_spare: bool = False,
    ) -> None:
        """Take over the engine and, unless this is a spare, the locked file of an SQLite ledger."""
        self._engine = engine
        # A reader sees one snapshot, however many statements it runs. SQLite always works so.
        self._readers = (
            Readers(engine) if self.is_sqlite else engine.execution_options(**_ONE_SNAPSHOT)
        )
        self._writer = SingleWriter(engine, patience) if self.is_sqlite else None
        self._file = file
        self._is_spare = is_spare
        self._is_marked = False
        self._watch: Watch | None = None

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

    def set_watch(self, watch: Watch) -> None:
        """Ask this before anybody waits for the database."""
        self._watch = watch

    def problem(self) -> str | None:
        """Return why the ledger cannot be used, as far as its watch knows. Never waits."""
        return None if self._watch is None else self._watch.check()

    def spare(self) -> "Database":
        """Return the same ledger with a connection of its own, however busy the others are."""
        engine = _connect(self._engine.url, connections=1)
        return Database(engine, self._file, is_spare=True)

    def ask(self) -> str | None:
        """Ask the database whether it can be written; return why not, or None.

        Raises SQLAlchemyError and OSError when it cannot be asked.
        """
        if self._file is not None:
            mark = self._file.mark
            return self._file.problem() or self._file.problem_of(read_mark(self._engine), mark)
        with self._engine.connect() as connection:
            if self.is_sqlite or connection.exec_driver_sql(_IS_READ_ONLY).scalar() == "off":
                return None
        return "the database is read-only: is it a standby? Check SWRHOOK_DATABASE_URL"

    @contextmanager
    def write(self, *, durable: bool = True) -> Iterator[Connection]:
        """Yield a connection in a transaction; on disk when the block ends without an error.

        A transaction that is not `durable` may be lost with the machine, but not with the process;
        a later durable one also makes it so. Raises LedgerUnavailable at once while the database is
        silent, and when the ledger's file is another one than before: also after a commit to a file
        that has been deleted.
        """
        self._check_silence()
        self._check_file()
        with self._connect_writer(durable=durable) as connection:
            callbacks = connection.info["after_commit"] = []
            with connection.begin():
                if not durable and self._writer is None:
                    execute(connection, NOT_DURABLE, returns_rows=False)
                yield connection
        self._is_marked = False
        self._check_file()
        for callback in callbacks:
            callback()

    def _connect_writer(self, *, durable: bool) -> AbstractContextManager[Connection]:
        if self._writer is None:
            return self._engine.connect()
        return self._writer.connect(durable=durable)

    def read(self) -> AbstractContextManager[Connection]:
        """Return a context with a connection that sees one snapshot of the ledger."""
        self._check_silence()
        return self._readers.begin()

    def _check_silence(self) -> None:
        if self._watch is not None and (silence := self._watch.silence()) is not None:
            raise LedgerUnavailable(silence)

    def _check_file(self) -> None:
        if self._file is not None and (problem := self._file.problem()) is not None:
            raise LedgerUnavailable(problem)

    def upgrade(self) -> None:
        """Upgrade the schema. Raises LedgerUnusable."""
        upgrade(self._engine)

    def mark(self) -> None:
        """Note beside an SQLite ledger how far it has come, if it was written since the last time.

        Raises SQLAlchemyError and OSError.
        """
        if self._file is None or self._is_marked:
            return
        with self.write() as connection:
            mark = advance(connection)
        self._is_marked = True
        self._file.note(mark)

    def close(self) -> None:
        """Close every connection, and release the lock file."""
        owned = None if self._is_spare else self._file
        if owned is not None and owned.is_open:
            with suppress(SQLAlchemyError, OSError):  # it may be gone or full, or its disk broken
                self.mark()
        if self._writer is not None:
            self._writer.close()
        if isinstance(self._readers, Readers):
            self._readers.close()
        self._engine.dispose()
        if owned is not None:
            owned.close()


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


def after_commit(connection: Connection, callback: Callable[[], None]) -> None:
    """Call back when the transaction of `Database.write` is on disk; never if it fails."""
    connection.info["after_commit"].append(callback)


def open_database(
    url: str, *, patience: float = LOCK_PATIENCE, master: int | None = None
) -> Database:
    """Open the ledger and upgrade its schema; a file and its folder are created if missing.

    Raises LedgerUnusable: a wrong URL, another process on the same SQLite file for more than
    `patience` seconds (`master`: see SqliteFile), another file than the last time, a schema newer
    than this program, or a database that cannot be reached.
    """
    parsed, engine = _engine(url)
    database, file = Database(engine), None
    with _errors_translated(parsed, database):
        if database.is_sqlite:
            file = SqliteFile(Path(str(parsed.database)), patience, master)
            database = Database(engine, file)
    with _errors_translated(parsed, database):
        if file is not None:
            file.verify(engine)
            file.create()
        upgrade(engine)
        if file is not None:
            database.mark()
            file.open()
    return database


def open_unchecked(url: str) -> Database:
    """Open a database on a server, whatever is in it. Raises LedgerUnusable."""
    return Database(_engine(url)[1])


def accept_file(url: str) -> bool:
    """Take the SQLite ledger that is there now for the right one; tell whether there is one.

    Raises LedgerUnusable.
    """
    parsed, engine = _engine(url)
    database = Database(engine)
    if not database.is_sqlite:
        raise LedgerUnusable("the ledger is on PostgreSQL: there is nothing to accept")
    path = Path(str(parsed.database))
    with _errors_translated(parsed, database), closing(SqliteFile(path, 0, None)) as file:
        is_there = file.accept(engine)
    database.close()
    return is_there


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
        with unusable_on_error(f"the ledger {url.render_as_string()} cannot be opened"):
            yield
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
    if url.get_backend_name() == "sqlite":
        return open_file(url, is_pooled=connections > 1)
    return open_server(url, connections)
