"""Prepared statements do what SQLAlchemy would do, on the driver."""

from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Connection, bindparam, insert, select, update
from sqlalchemy.exc import IntegrityError, OperationalError, SQLAlchemyError

from swrhook.ledger import sql
from swrhook.ledger.database import Database
from swrhook.ledger.sql import PreparedStatement, execute, in_portions, power_of_two
from swrhook.ledger.tables import syncs
from swrhook.model import State
from tests.factories import entry, everything, push, write

LATER = datetime(2026, 5, 6, 7, 8, 9, 10, tzinfo=UTC)
_COLUMNS = (syncs.c.tag, syncs.c.state, syncs.c.created_at, syncs.c.due_at, syncs.c.alone)
_BY_TAG = (
    select(*_COLUMNS)
    .where(syncs.c.tag.in_(bindparam("tags", expanding=True)), syncs.c.created_at < bindparam("by"))
    .order_by(syncs.c.tag)
)
_SETTING = (
    update(syncs)
    .where(syncs.c.tag == bindparam("of"), syncs.c.state.in_([State.PENDING.value, "held"]))
    .values(due_at=bindparam("at", type_=syncs.c.due_at.type), updated_at=LATER, alone=True)
    .returning(syncs.c.tag)
)


@pytest.mark.parametrize("tags", [[], ["v2"], ["v3", "v1"], ["v1", "v2", "v3"], {"v1"}])
def test_rows_are_those_of_sqlalchemy(database: Database, tags: Any) -> None:
    write(database, entry(push("v1"), push("v2"), push("v3")))
    values = {"tags": list(tags), "by": LATER}

    with database.write() as connection:
        expected = [dict(row) for row in connection.execute(_BY_TAG, values).mappings()]
        found = PreparedStatement(_BY_TAG).rows(connection, tags=tags, by=LATER)

    assert expected == found
    assert sorted(tags) == [row["tag"] for row in found]


def test_one_statement_serves_collections_of_nearly_the_same_length(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    sent: list[str] = []

    def noting(connection: Connection, text: str, values: Any, **options: Any) -> Any:
        sent.append(text)
        return execute(connection, text, values, **options)

    monkeypatch.setattr(sql, "execute", noting)
    statement = PreparedStatement(_BY_TAG)
    with database.read() as connection:
        for number in range(200):
            for tags in in_portions([f"v{each}" for each in range(number)]):
                statement.rows(connection, tags=tags, by=LATER)

    assert len(set(sent)) <= 10


def test_values_are_written_as_their_columns_keep_them(database: Database) -> None:
    write(database, entry(push("v1"), push("v2")))
    statement = PreparedStatement(_SETTING)

    with database.write() as connection:
        assert statement.scalar(connection, of="v1", at=LATER) == "v1"
        assert statement.scalar(connection, of="v2", at=None) == "v2"
        assert statement.scalar(connection, of="v3", at=LATER) is None

    rows = sorted(everything(database, syncs), key=lambda row: str(row["tag"]))
    told = [(row["due_at"], row["updated_at"], row["alone"]) for row in rows]
    assert told == [(LATER, LATER, True), (None, LATER, True)]


def test_errors_of_the_database_are_raised_as_sqlalchemy_would(database: Database) -> None:
    write(database, entry(push("v1")))
    [row] = everything(database, syncs)
    again = PreparedStatement(
        insert(syncs).values({name: bindparam(f"new_{name}") for name in row})
    )

    with pytest.raises(IntegrityError) as raised, database.write() as connection:
        again.run(connection, **{f"new_{name}": value for name, value in row.items()})

    assert not raised.value.connection_invalidated
    assert "[parameters" not in str(raised.value)
    assert everything(database, syncs) == [row]


def test_a_missing_value_is_refused_not_written_as_null(database: Database) -> None:
    with pytest.raises((KeyError, SQLAlchemyError)), database.write() as connection:
        PreparedStatement(_SETTING).run(connection, of="v1")


@pytest.mark.on("postgresql")
def test_a_lost_connection_is_invalidated(database: Database) -> None:
    def cut() -> None:
        with database.write() as connection:
            [[pid]] = execute(connection, "SELECT pg_backend_pid()", ())
            with database.read() as other:
                execute(other, "SELECT pg_terminate_backend(%s)", (pid,))
            execute(connection, "SELECT 1", ())

    with pytest.raises(OperationalError) as raised:
        cut()

    assert raised.value.connection_invalidated
    with database.read() as connection:
        assert list(execute(connection, "SELECT 1", ())) == [(1,)]


@pytest.mark.parametrize(("number", "power"), [(0, 0), (1, 1), (2, 2), (3, 4), (64, 64), (65, 128)])
def test_lengths_are_rounded_up_to_powers_of_two(number: int, power: int) -> None:
    assert power_of_two(number) == power
