"""The schema's revisions: upgrade a ledger, and refuse one that this program cannot use.

A revision only adds what programs of the one before need not know; what it makes superfluous is
dropped by a later one. So the processes of one version run, and start, beside a ledger that the
next version has upgraded. Each revision names the oldest that can use it (`oldest_program`).
"""

import re
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from sqlalchemy import (
    Column,
    Connection,
    Engine,
    MetaData,
    PrimaryKeyConstraint,
    String,
    Table,
    delete,
    insert,
    inspect,
    select,
    update,
)
from sqlalchemy.exc import OperationalError

from swrhook import logs
from swrhook.errors import LedgerUnusable
from swrhook.ledger.all_tables import TABLES
from swrhook.ledger.columns import metadata
from swrhook.ledger.postgresql import LOCK_TIMEOUT
from swrhook.ledger.service_tables import schema_versions
from swrhook.ledger.sql import put

MIGRATIONS = Path(__file__).parent / "migrations"
# Alembic's own table. Its one row is read here, because to import Alembic takes longer than to open
# a ledger, and hardly any start has something to upgrade.
_versions = Table(
    "alembic_version",
    MetaData(),
    Column("version_num", String(32), nullable=False),
    PrimaryKeyConstraint("version_num", name="alembic_version_pkc"),
)
# What a file in MIGRATIONS says of itself.
_STATEMENT = re.compile(r'^(revision|oldest_program) = "(\w+)"$', re.MULTILINE)
# Revisions of ledgers from before 0.1.0, which cannot be upgraded.
_UNRELEASED = re.compile(r"[0-9]{4}")
# The revision of a ledger into which another one is being copied begins so; its id follows.
_COPY = "copy:"
# Seconds to wait for another process's upgrade: longer than most migrations take, and shorter than
# gunicorn waits for a process to start.
PATIENCE = 90
_LOCK = 0x73777268  # "swrh": any number, the same in every process


@dataclass(frozen=True, slots=True)
class Schema:
    """The revision of a ledger, None for an empty database, and the one of this program.

    `is_known` tells that this program can upgrade the ledger. `is_newer` tells that the ledger is
    of a later version, which this one can use all the same.
    """

    current: str | None
    head: str
    is_known: bool
    is_newer: bool

    @property
    def is_usable(self) -> bool:
        """Tell whether this program can use the ledger as it is."""
        return self.is_newer or self.current == self.head


def read_schema(engine: Engine) -> Schema:
    """Return the revisions; change nothing. Raises LedgerUnusable for an unknown revision."""
    with engine.connect() as connection:
        return _read_known(connection)


def upgrade(engine: Engine) -> Schema:
    """Upgrade the schema; return what it was before. Raises LedgerUnusable."""
    with engine.begin() as connection, ExitStack() as stack:
        if connection.dialect.name == "postgresql":
            # A migration may take longer than a statement of the service may.
            driver: Any = connection.connection.driver_connection
            stack.enter_context(driver.limit(None))
            _lock_upgrades(connection)
        schema = _read_known(connection)
        if schema.current is None:
            _create(connection, schema.head)
        elif not schema.is_usable:
            _run_revisions(connection)
        if not schema.is_usable:
            _set_oldest_program(connection, schema.head)
    return schema


def _create(connection: Connection, head: str) -> None:
    """Create the tables of an empty database at once, the same as the revisions create."""
    metadata.create_all(connection, tables=TABLES, checkfirst=False)
    _versions.create(connection, checkfirst=True)
    connection.execute(insert(_versions).values(version_num=head))


def _run_revisions(connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415  # see _versions
    from alembic.config import Config  # noqa: PLC0415

    config = Config(attributes={"connection": connection})
    config.set_main_option("script_location", str(MIGRATIONS))
    command.upgrade(config, "head")


def revisions() -> dict[str, str]:
    """Return every revision, oldest first, and the oldest program that can use its ledgers."""
    files = sorted((MIGRATIONS / "versions").glob("*.py"))
    scripts = [dict(_STATEMENT.findall(file.read_text())) for file in files]
    return {script["revision"]: script["oldest_program"] for script in scripts}


def _lock_upgrades(connection: Connection) -> None:
    """Make processes that start together upgrade one after the other. Raises LedgerUnusable."""
    connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
    is_locked = connection.exec_driver_sql(f"SELECT pg_try_advisory_xact_lock({_LOCK})").scalar()
    if not is_locked:
        logs.event("ledger.awaits_upgrade", by="another process", seconds=PATIENCE)
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{PATIENCE}s'")
        try:
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        except OperationalError as exc:
            message = (
                f"another process has been upgrading the ledger for {PATIENCE} seconds and has "
                "not finished: start again when it has, or end it (pg_stat_activity shows it)"
            )
            raise LedgerUnusable(message) from exc
        connection.exec_driver_sql(f"SET LOCAL lock_timeout = '{LOCK_TIMEOUT}'")


def begin_copy(connection: Connection, ledger: str) -> None:
    """Note that a copy of another ledger has begun: no process starts on this one meanwhile."""
    connection.execute(delete(schema_versions))
    _set_revision(connection, f"{_COPY}{ledger}")


def copied_ledger(connection: Connection) -> str | None:
    """Return which ledger is being copied into this one, if any."""
    current = _current_revision(connection) or ""
    return current.removeprefix(_COPY) if current.startswith(_COPY) else None


def end_copy(connection: Connection) -> None:
    """Note that the copy is complete: processes of this version can use it."""
    head = list(revisions())[-1]
    _set_revision(connection, head)
    _set_oldest_program(connection, head)


def _set_revision(connection: Connection, revision: str) -> None:
    connection.execute(update(_versions).values(version_num=revision))


def _set_oldest_program(connection: Connection, revision: str) -> None:
    put(connection, schema_versions, {"id": 1}, {"oldest_program": revisions()[revision]})


def is_usable(engine: Engine) -> bool:
    """Tell whether this program can use the ledger as it is."""
    with engine.connect() as connection:
        return _read(connection).is_usable


def _read_known(connection: Connection) -> Schema:
    schema = _read(connection)
    if not schema.is_newer and not schema.is_known:
        _refuse(schema.current)
    return schema


def _read(connection: Connection) -> Schema:
    current = _current_revision(connection)
    chain = list(revisions())
    is_known = current is None or current in chain
    is_newer = not is_known and _oldest_program(connection) in chain
    return Schema(current, chain[-1], is_known, is_newer)


def _current_revision(connection: Connection) -> str | None:
    """Return the revision of a ledger, None of an empty database."""
    if not inspect(connection).has_table(_versions.name):
        return None
    current: str | None = connection.scalar(select(_versions.c.version_num))
    return current


def _oldest_program(connection: Connection) -> str | None:
    """Return the oldest revision whose programs can use the ledger, None if it does not say."""
    if not inspect(connection).has_table(schema_versions.name):
        return None
    oldest: str | None = connection.scalar(select(schema_versions.c.oldest_program))
    return oldest


def _refuse(current: str | None) -> NoReturn:
    if _UNRELEASED.fullmatch(current or ""):
        message = (
            f"the ledger's schema is at revision {current}, from before version 0.1.0, and cannot "
            "be upgraded: move the ledger away, or set SWRHOOK_DATABASE_URL to a new one"
        )
    elif (current or "").startswith(_COPY):
        message = (
            "the copy of another ledger into this one is not complete: run `python -m swrhook db "
            "copy` again, and it goes on"
        )
    else:
        message = (
            f"the ledger's schema is at revision {current}, which this version does not know: "
            "run the version of swrhook that wrote it, or a newer one"
        )
    raise LedgerUnusable(message)
