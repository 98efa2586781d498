"""The migrations create the tables that the program expects."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from procrastinate.schema import SchemaManager
from sqlalchemy import inspect, text

from swrhook import ledger
from swrhook.ledger.database import Database, open_database
from swrhook.ledger.tables import metadata

# Procrastinate's tables are its own.
OPTIONS = {
    "compare_server_default": True,
    "include_name": lambda name, _kind, _parents: not (name or "").startswith("procrastinate_"),
}


def test_migrations_and_tables_agree(database: Database) -> None:
    with database.read() as connection:
        context = MigrationContext.configure(connection, opts=OPTIONS)
        differences = compare_metadata(context, metadata)

    assert differences == []


@pytest.mark.on("sqlite")
def test_every_index_has_the_condition_of_its_table(database: Database) -> None:
    # Alembic does not compare the WHERE of a partial index.
    query = text("SELECT name, sql FROM sqlite_master WHERE type = 'index' AND sql LIKE '%WHERE%'")
    with database.read() as connection:
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


def test_procrastinates_schema_is_the_one_of_its_revision() -> None:
    """When it differs: a new revision takes what Procrastinate's own migrations say since then."""
    copied = Path(str(ledger.__file__)).parent / "migrations" / "procrastinate_3.10.sql"

    assert copied.read_text() == SchemaManager.get_schema()
