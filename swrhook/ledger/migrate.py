"""The schema's revisions: upgrade a ledger, and refuse one that this program does not know."""

import re
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from typing import Any, NoReturn

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, Engine
from sqlalchemy.exc import OperationalError

from swrhook import logs
from swrhook.errors import LedgerUnusable
from swrhook.ledger.postgresql import LOCK_TIMEOUT

MIGRATIONS = Path(__file__).parent / "migrations"
# Revisions of ledgers from before 0.1.0, which cannot be upgraded.
_UNRELEASED = re.compile(r"[0-9]{4}")
# Seconds to wait for another process's upgrade: longer than most migrations take, and shorter than
# gunicorn waits for a process to start.
PATIENCE = 90
_LOCK = 0x73777268  # "swrh": any number, the same in every process


@dataclass(frozen=True, slots=True)
class Schema:
    """The revision of a ledger, None for an empty database, and the one that this program needs."""

    current: str | None
    head: str

    @property
    def is_current(self) -> bool:
        """Tell whether this program can use the ledger as it is."""
        return self.current == self.head


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
        if not schema.is_current:
            config = Config(attributes={"connection": connection})
            config.set_main_option("script_location", str(MIGRATIONS))
            command.upgrade(config, "head")
    return schema


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


def is_current(engine: Engine) -> bool:
    """Tell whether the schema has this program's revision."""
    with engine.connect() as connection:
        return _read(connection, ScriptDirectory(str(MIGRATIONS))).is_current


def _read_known(connection: Connection) -> Schema:
    scripts = ScriptDirectory(str(MIGRATIONS))
    schema = _read(connection, scripts)
    try:
        is_known = schema.current is None or scripts.get_revision(schema.current) is not None
    except CommandError:
        is_known = False
    if not is_known:
        _refuse(schema.current)
    return schema


def _read(connection: Connection, scripts: ScriptDirectory) -> Schema:
    current = MigrationContext.configure(connection).get_current_revision()
    return Schema(current, str(scripts.get_current_head()))


def _refuse(current: str | None) -> NoReturn:
    if _UNRELEASED.fullmatch(current or ""):
        message = (
            f"the ledger's schema is at revision {current}, from before version 0.1.0, and cannot "
            "be upgraded: move the ledger away, or set SWRHOOK_DATABASE_URL to a new one"
        )
    else:
        message = (
            f"the ledger's schema is at revision {current}, which this version does not know: "
            "run the version of swrhook that wrote it, or a newer one"
        )
    raise LedgerUnusable(message)
