"""Databases for tests on a PostgreSQL server that is running already."""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from uuid import uuid4

import pytest
from sqlalchemy import Connection, create_engine, make_url, text
from sqlalchemy.exc import OperationalError

from swrhook.ledger.columns import metadata
from swrhook.ledger.service_tables import schema_versions

SERVER = os.environ.get(
    "SWRHOOK_TEST_POSTGRESQL", "postgresql+psycopg://postgres@127.0.0.1:5432/postgres"
)


@contextmanager
def new_database() -> Iterator[str]:
    """Yield the URL of an empty database; without a server, the test is skipped."""
    name = f"swrhook_test_{uuid4().hex[:12]}"
    server = create_engine(SERVER, isolation_level="AUTOCOMMIT")
    try:
        with server.connect() as connection:
            connection.execute(text(f"CREATE DATABASE {name}"))
    except OperationalError:
        server.dispose()
        pytest.skip(f"no PostgreSQL at {make_url(SERVER).render_as_string()}")
    try:
        yield make_url(SERVER).set(database=name).render_as_string(hide_password=False)
    finally:
        with server.connect() as connection:
            connection.execute(text(f"DROP DATABASE {name} WITH (FORCE)"))
        server.dispose()


def empty(connection: Connection) -> None:
    """Empty every table, but keep the schema."""
    # DELETE, for TRUNCATE makes new files of every table and index.
    tables = [name for name, table in metadata.tables.items() if table is not schema_versions]
    statements = [f"DELETE FROM {name}" for name in tables]
    if connection.dialect.name == "postgresql":
        statements = [";".join(statements)]  # in one round trip; SQLite takes one at a time
    for statement in statements:
        connection.exec_driver_sql(statement)
