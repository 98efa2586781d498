"""The migrations create the tables that the program expects."""

from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from sqlalchemy import inspect, text

from swrhook.ledger import notification_tables  # noqa: F401  # declares tables
from swrhook.ledger.database import Database, open_database
from swrhook.ledger.tables import metadata


def test_migrations_and_tables_agree(database: Database) -> None:
    with database.read() as connection:
        options = {"compare_server_default": True}
        context = MigrationContext.configure(connection, opts=options)
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
