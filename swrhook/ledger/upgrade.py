"""The schema's revisions: upgrade, and the refusal of what is newer than this program."""

from dataclasses import dataclass
from pathlib import Path

from alembic import command
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from alembic.util.exc import CommandError
from sqlalchemy import Connection, Engine

from swrhook.errors import LedgerUnusable

_LOCK = 0x73777268  # «swrh»: any number, the same in every process


@dataclass(frozen=True, slots=True)
class Schema:
    """A ledger's revision, None where there is none yet, and the one that this program wants."""

    current: str | None
    wanted: str

    @property
    def is_current(self) -> bool:
        """Tell whether this program can use the ledger as it is."""
        return self.current == self.wanted


def read_schema(engine: Engine) -> Schema:
    """Return the revisions without changing anything. Raises LedgerUnusable when it is newer."""
    _, scripts = _migrations()
    with engine.connect() as connection:
        return _schema(connection, scripts)


def upgrade(engine: Engine) -> Schema:
    """Bring the schema to this program's revision; return what it was. Raises LedgerUnusable."""
    config, scripts = _migrations()
    with engine.begin() as connection:
        if connection.dialect.name == "postgresql":
            # Processes that start together upgrade one after the other.
            connection.exec_driver_sql(f"SELECT pg_advisory_xact_lock({_LOCK})")
        schema = _schema(connection, scripts)
        if not schema.is_current:
            config.attributes["connection"] = connection
            command.upgrade(config, "head")
    return schema


def _schema(connection: Connection, scripts: ScriptDirectory) -> Schema:
    current = MigrationContext.configure(connection).get_current_revision()
    _refuse_unknown(scripts, current)
    return Schema(current, str(scripts.get_current_head()))


def is_current(engine: Engine) -> bool:
    """Tell whether the schema is at this program's revision."""
    _, scripts = _migrations()
    with engine.connect() as connection:
        current = MigrationContext.configure(connection).get_current_revision()
    return current == scripts.get_current_head()


def _migrations() -> tuple[Config, ScriptDirectory]:
    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    return config, ScriptDirectory.from_config(config)


def _refuse_unknown(scripts: ScriptDirectory, current: str | None) -> None:
    try:
        known = current is None or scripts.get_revision(current) is not None
    except CommandError:
        known = False
    if not known:
        message = (
            f"the ledger's schema is at revision {current}, which this version does not know: "
            "run the version of swrhook that wrote it, or a newer one"
        )
        raise LedgerUnusable(message)
