"""However much the ledger holds, what runs for each delivery and call goes along an index of it."""

from collections.abc import Mapping
from typing import Any

import pytest
from sqlalchemy import Connection

from swrhook.ledger import calls, deliveries, lanes, sql, syncs
from swrhook.ledger.database import Database
from swrhook.ledger.sql import PreparedStatement, execute
from tests.ledger.parts import NOW, entry, push, write

MANY = [f"name {number}" for number in range(16)]
# By module and name: values, and the indexes that serve.
STATEMENTS: Mapping[tuple[Any, str], tuple[Mapping[str, Any], set[str]]] = {
    (deliveries, "_LATEST"): ({"keys": MANY}, {"sqlite_autoindex_latest_pushes_1"}),
    (deliveries, "_EVENTS"): ({"keys": MANY}, {"sqlite_autoindex_pushes_2"}),
    (deliveries, "_OPEN_SYNCS"): ({"routes": MANY}, {"syncs_open_by_route"}),
    (deliveries, "_SYNCS"): ({"ids": MANY}, {"sqlite_autoindex_syncs_1"}),
    (syncs, "_DUE"): ({"lane": "x", "until": NOW, "most": 9}, {"syncs_open_by_lane"}),
    (syncs, "_SUPERSEDE"): (
        {"sync_id": "x", "heir": "y", "now": NOW},
        {"sqlite_autoindex_syncs_1"},
    ),
    (calls, "_END_CALL"): (
        {"call_id": "x", "now": NOW, "new_code": None, "new_message": None},
        {"sqlite_autoindex_calls_1"},
    ),
    (calls, "_OPEN_DIGESTS"): ({"routes": MANY, "since": NOW}, {"call_tags_open_by_route"}),
    (calls, "_CLOSE"): ({"on_route": "x"}, {"call_tags_open_by_route"}),
    (calls, "_NOT_PRESENT_ANY_MORE"): (
        {"on_route": "x", "present": "y"},
        {"call_tags_open_by_route"},
    ),
    (calls, "_CLOSE_PROVEN"): ({"on_route": "x", "present": "y"}, {"call_tags_open_by_route"}),
    (lanes, "_LOCK"): ({"lane": "x"}, {"sqlite_autoindex_lanes_1"}),
    (lanes, "_FIRST_DUE"): ({"lane": "x"}, {"syncs_open_by_lane"}),
    (lanes, "_SET_WAKE_AT"): ({"lane": "x", "at": NOW}, {"sqlite_autoindex_lanes_1"}),
}


def explained(
    database: Database,
    monkeypatch: pytest.MonkeyPatch,
    statement: PreparedStatement,
    values: Mapping[str, Any],
) -> list[str]:
    """Return the steps of a statement's plan, in the database's words."""
    steps: list[str] = []
    words = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"

    def explaining(connection: Connection, text: str, given: Any) -> Any:
        # SQLite tells each step in the last of its columns, PostgreSQL in its only one.
        steps.extend(row[-1] for row in execute(connection, f"{words} {text}", given))
        return ()

    monkeypatch.setattr(sql, "execute", explaining)
    with database.read() as connection:
        statement.rows(connection, **values)
    return steps


@pytest.mark.on("sqlite")
@pytest.mark.parametrize("name", STATEMENTS, ids=lambda name: f"{name[0].__name__}.{name[1]}")
def test_a_hot_statement_goes_along_its_index(
    database: Database, monkeypatch: pytest.MonkeyPatch, name: tuple[Any, str]
) -> None:
    values, indexes = STATEMENTS[name]
    steps = explained(database, monkeypatch, getattr(*name), values)

    reading = [step for step in steps if step.startswith(("SEARCH", "SCAN"))]
    assert reading
    for step in reading:
        assert any(f"INDEX {index} (" in step for index in indexes), step


@pytest.mark.on("postgresql")
def test_postgresql_asks_for_each_route_before_it_has_statistics(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    write(database, entry(*(push(f"v{number}") for number in range(2000))))
    statement = vars(deliveries)["_OPEN_SYNCS_EACH"]

    plan = "\n".join(explained(database, monkeypatch, statement, {"routes": MANY}))

    assert "syncs_open_by_route" in plan
    assert "syncs_open_by_lane" not in plan
    assert "Seq Scan" not in plan


def test_every_hot_statement_is_looked_at() -> None:
    modules = (deliveries, syncs, calls, lanes)
    made = {
        (module, name)
        for module in modules
        for name, value in vars(module).items()
        if isinstance(value, PreparedStatement)
    }

    assert made == {*STATEMENTS, (deliveries, "_OPEN_SYNCS_EACH")}  # this one is PostgreSQL's
