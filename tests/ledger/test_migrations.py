"""The migrations create the tables that the program expects, and that a first start creates."""

import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from pathlib import Path
from typing import Any

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import create_engine, inspect, text

from swrhook.ledger.columns import metadata
from swrhook.ledger.database import Database, open_database
from tests.conftest import DATABASES
from tests.ledger.revisions import make
from tests.postgresql import new_database

# In a process of its own, where a module with tables that is not imported is missing.
FIRST_START = """
import sys
from swrhook.ledger.database import open_database
open_database(sys.argv[1]).close()
"""
NewUrl = Callable[[], str]


@pytest.fixture(params=DATABASES)
def new_url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[NewUrl]:
    """Return the URL of a ledger that is not there yet, another one each time."""
    files = (f"sqlite:///{tmp_path}/{number}.db" for number in range(9))
    with ExitStack() as stack:
        if request.param == "sqlite":
            yield lambda: next(files)
        else:
            yield lambda: stack.enter_context(new_database())


def test_a_first_start_creates_what_the_migrations_create(new_url: NewUrl) -> None:
    migrated, fresh = new_url(), new_url()
    make(migrated, "head")
    subprocess.run([sys.executable, "-c", FIRST_START, fresh], check=True)

    assert _schema(fresh) == _schema(migrated)


def _schema(url: str) -> dict[str, Any]:
    """Return what the database says of each table, and Alembic's revision."""
    engine = create_engine(url)
    inspector = inspect(engine)
    parts = {
        part: getattr(inspector, f"get_{part}")
        for part in (
            "columns",
            "indexes",
            "pk_constraint",
            "unique_constraints",
            "check_constraints",
            "foreign_keys",
            "table_options",
        )
    }
    schema: dict[str, Any] = {
        table: {part: _plain(read(table)) for part, read in parts.items()}
        for table in inspector.get_table_names()
    }
    with engine.connect() as connection:
        schema["revision"] = connection.scalar(text("SELECT version_num FROM alembic_version"))
    engine.dispose()
    return schema


def _plain(described: Any) -> Any:
    """Return it as texts, with columns and indexes by name: those added later are the last."""
    if isinstance(described, dict):
        return {key: _plain(value) for key, value in described.items()}
    if not isinstance(described, list):
        return str(described)
    parts = [_plain(each) for each in described]
    return sorted(parts, key=lambda each: each["name"] if isinstance(each, dict) else "")


def test_migrations_and_tables_agree(new_url: NewUrl) -> None:
    url = new_url()
    make(url, "head")
    with closing(open_database(url)) as database, database.read() as connection:
        options = {"compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
        differences = compare_metadata(context, metadata)

    assert differences == []


def test_every_index_has_the_condition_of_its_table(tmp_path: Path) -> None:
    # Alembic does not compare the WHERE of a partial index.
    query = text("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql LIKE '%WHERE%'")
    url = f"sqlite:///{tmp_path}/ledger.db"
    make(url, "head")
    with closing(open_database(url)) as database, database.read() as connection:
        made = {name: sql.partition(" WHERE ")[2] for name, sql in connection.execute(query)}

    wanted = {
        str(index.name): str(where.text)
        for table in metadata.tables.values()
        for index in table.indexes
        if (where := index.dialect_options["sqlite"]["where"]) is not None
    }
    assert wanted == made


@pytest.mark.on("sqlite")
def test_an_upgrade_of_a_ledger_that_is_up_to_date_changes_nothing(
    database: Database, tmp_path: Path
) -> None:
    with database.read() as connection:
        before = inspect(connection).get_table_names()
    database.close()

    again = open_database(f"sqlite:///{tmp_path}/ledger.db")
    with again.read() as connection:
        assert inspect(connection).get_table_names() == before
    again.close()
