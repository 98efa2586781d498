"""Many rows in few statements: the same rows as with one statement each."""

from typing import Any

import pytest
from sqlalchemy import Connection, insert

from swrhook.ledger import bulk_insert
from swrhook.ledger.bulk_insert import insert_rows
from swrhook.ledger.database import Database
from swrhook.ledger.sql import execute
from swrhook.ledger.tables import deliveries, syncs
from tests.factories import NOW, entry, everything, push, write

_DELIVERY = insert(deliveries)
_RETURNING = insert(deliveries).returning(deliveries.c.id)


def rows(number: int) -> list[dict[str, Any]]:
    return [
        {
            "id": f"{n:026}",
            "sender": f"sender % {n}",
            "dialect": "harbor",
            "outcome": "accepted",
            "reason": None,
            "received_at": NOW,
            "headers": {"x": ["标签", n]},
            "body": bytes([0, n % 256]),
            "rules_version": "0123456789ab",
        }
        for n in range(number)
    ]


@pytest.mark.parametrize(
    ("number", "statements"), [(0, 0), (1, 1), (3, 1), (64, 1), (65, 2), (127, 2), (200, 4)]
)
def test_many_rows_are_written_in_few_statements(
    database: Database, monkeypatch: pytest.MonkeyPatch, number: int, statements: int
) -> None:
    sent: list[str] = []

    def noting(connection: Connection, text: str, values: Any, **options: Any) -> Any:
        sent.append(text)
        return execute(connection, text, values, **options)

    monkeypatch.setattr(bulk_insert, "execute", noting)
    with database.write() as connection:
        assert insert_rows(connection, _DELIVERY, rows(number)) == []

    assert len(sent) == statements
    assert [row["id"] for row in rows(number)] == sorted(
        row["id"] for row in everything(database, deliveries)
    )


def test_values_are_written_as_their_columns_keep_them(database: Database) -> None:
    with database.write() as connection:
        insert_rows(connection, _DELIVERY, rows(3))
        connection.execute(_DELIVERY, {**rows(4)[3], "id": "z" * 26})

    for written, given in zip(everything(database, deliveries), rows(4), strict=True):
        assert {name: written[name] for name in given} == {**given, "id": written["id"]}
        assert written["external_id"] is None


def test_returned_values_come_in_the_order_of_the_rows(database: Database) -> None:
    wanted = list(reversed(rows(70)))

    with database.write() as connection:
        returned = insert_rows(connection, _RETURNING, wanted)

    assert [row["id"] for row in wanted] == returned


def test_a_missing_column_gets_its_default(database: Database) -> None:
    write(database, entry(push("v1"), push("v2")))

    defaults = {"attempts": 0, "polls": 0, "failures": 0, "alone": False, "backfill": False}
    for row in everything(database, syncs):
        assert {name: row[name] for name in defaults} == defaults


def test_a_row_without_a_column_of_the_first_is_refused(database: Database) -> None:
    first, second = rows(2)
    del second["sender"]

    with pytest.raises(KeyError, match="sender"), database.write() as connection:
        insert_rows(connection, _DELIVERY, [first, second])

    assert everything(database, deliveries) == []


@pytest.mark.on("postgresql")
def test_text_that_an_array_must_quote_arrives_as_it_was(database: Database) -> None:
    first, second = rows(2)
    first |= {"reason": 'a "quoted", {braced} \\ NULL', "headers": {"x": "ü\u2028"}}
    second |= {"reason": "no\0text", "body": None}

    with database.write() as connection:
        insert_rows(connection, _DELIVERY, [first, second])

    written = everything(database, deliveries)
    assert [first["reason"], "no\ufffdtext"] == [row["reason"] for row in written]
    assert first["headers"] == written[0]["headers"]
    assert written[1]["body"] is None
