"""Every prepared statement uses an index, so that its time does not depend on the ledger's size."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Connection

from swrhook.ledger import calls, deliveries, lane_queue, lanes, sql, syncs
from swrhook.ledger.calls import claim, close_calls, open_digests, settle
from swrhook.ledger.database import Database
from swrhook.ledger.lane_queue import make_due_ready, read_occupancy, read_waiting, take_lane
from swrhook.ledger.lanes import lock_held, release_lane
from swrhook.ledger.sql import PreparedStatement, execute
from swrhook.ledger.syncs import due_syncs
from swrhook.syncs.decisions import Decision
from swrhook.syncs.states import Event
from tests.factories import LANE, NOW, A, entry, push, write
from tests.ledger.queue import HOLDER, OTHER_HOLDER

TAGS = [f"v{number}" for number in range(16)]
LATER = NOW + timedelta(hours=1)
# Their few rows are scanned, and found by a search.
SUBQUERIES = ("SCAN waiting_flows", "SCAN asked_regions", "SCAN anon_")


@dataclass
class Plans:
    """The statements that ran, and the steps of the query plan of each."""

    steps: list[tuple[str, list[str]]] = field(default_factory=list)  # with the statement's text
    statements: set[PreparedStatement] = field(default_factory=set)

    def indexes(self) -> set[str]:
        """Return the indexes that were used since the last call; no table may be scanned."""
        steps = [step for _, of_one in self.steps for step in of_one]
        self.steps.clear()
        scans = [step for step in steps if step.startswith("SCAN")]
        assert [step for step in scans if not step.startswith(SUBQUERIES)] == []
        searches = [step for step in steps if step.startswith("SEARCH")]
        return {step.partition(" INDEX ")[2].partition(" ")[0] for step in searches}


@pytest.fixture
def plans(database: Database, monkeypatch: pytest.MonkeyPatch) -> Plans:
    """Ask the database for the plan of each prepared statement before it runs."""
    plans = Plans()
    explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
    rows, run = PreparedStatement.rows, PreparedStatement.run

    def execute_explained(
        connection: Connection, text: str, parameters: Any, **options: Any
    ) -> Any:
        # SQLite has the step in its last column, PostgreSQL in its only one.
        plan = execute(connection, f"{explain} {text}", parameters)
        plans.steps.append((text, [row[-1] for row in plan]))
        return execute(connection, text, parameters, **options)

    def rows_noted(self: PreparedStatement, connection: Connection, **values: Any) -> Any:
        plans.statements.add(self)
        return rows(self, connection, **values)

    def run_noted(self: PreparedStatement, connection: Connection, **values: Any) -> None:
        plans.statements.add(self)
        run(self, connection, **values)

    monkeypatch.setattr(sql, "execute", execute_explained)
    monkeypatch.setattr(PreparedStatement, "rows", rows_noted)
    monkeypatch.setattr(PreparedStatement, "run", run_noted)
    return plans


def record_twice(database: Database) -> None:
    """Record a push of every tag, and then a later one that supersedes it."""
    write(database, entry(*(push(tag, event_id=f"first {tag}") for tag in TAGS)))
    write(database, entry(*(push(tag, event_id=f"second {tag}") for tag in TAGS), at=LATER))


def plans_of_a_life(database: Database, plans: Plans) -> Iterator[tuple[str, set[str]]]:
    """Record, take, run and release a lane; yield each operation with the indexes it used."""
    record_twice(database)
    yield "record", plans.indexes()
    write(database, entry(push(TAGS[0], event_id=f"first {TAGS[0]}"), at=LATER))
    yield "repeat", plans.indexes()
    with database.write() as connection:
        [[flow], _] = read_waiting(connection)
        yield "read_waiting", plans.indexes()
        assert take_lane(connection, flow, "", HOLDER) == LANE
        yield "take_lane", plans.indexes()
        assert read_occupancy(connection, OTHER_HOLDER).pairs.total() == 1
        yield "read_occupancy", plans.indexes()
        yield from plans_of_a_run(connection, plans)
        release_lane(connection, LANE, NOW)
        yield "release_lane", plans.indexes()
        assert make_due_ready(connection, LATER) is None
        yield "make_due_ready", plans.indexes()


def plans_of_a_run(connection: Connection, plans: Plans) -> Iterator[tuple[str, set[str]]]:
    lock_held(connection, LANE, HOLDER)
    due = due_syncs(connection, LANE, until=LATER, limit=9)
    yield "due_syncs", plans.indexes()
    decided = [(sync, Decision(Event.CLAIM, values={"called_digest": A})) for sync in due]
    call, claimed = claim(connection, LANE, decided, frozenset(), LATER)
    yield "claim", plans.indexes()
    triggered = [(sync, Decision(Event.TRIGGER, LATER)) for sync in claimed]
    settle(connection, call, triggered, None, LATER)
    yield "settle", plans.indexes()
    assert open_digests(connection, [sync.route for sync in claimed], NOW)
    yield "open_digests", plans.indexes()
    close_calls(connection, claimed[0].route, A)
    close_calls(connection, claimed[1].route)
    yield "close_calls", plans.indexes()


INDEXES: Mapping[str, set[str]] = {
    "record": {
        "sqlite_autoindex_latest_pushes_1",
        "sqlite_autoindex_pushes_2",
        "syncs_open_by_route",
        "sqlite_autoindex_syncs_1",
    },
    "read_waiting": {"lanes_ready", "questions_ready"},
    "take_lane": {"lanes_ready", "sqlite_autoindex_lanes_1"},
    "read_occupancy": {"lanes_held", "questions_held"},
    "repeat": {
        "sqlite_autoindex_latest_pushes_1",
        "sqlite_autoindex_pushes_2",
        "syncs_by_push",
        "sqlite_autoindex_syncs_1",
    },
    "due_syncs": {"syncs_open_by_lane"},
    "claim": {"sqlite_autoindex_syncs_1"},
    "settle": {"sqlite_autoindex_calls_1", "sqlite_autoindex_syncs_1"},
    "open_digests": {"call_tags_open_by_route"},
    "close_calls": {"call_tags_open_by_route"},
    "release_lane": {"syncs_open_by_lane", "sqlite_autoindex_lanes_1"},
    "make_due_ready": {"lanes_scheduled", "sqlite_autoindex_lanes_1"},
}


@pytest.mark.on("sqlite")
def test_each_operation_uses_its_indexes(database: Database, plans: Plans) -> None:
    assert dict(plans_of_a_life(database, plans)) == INDEXES


@pytest.mark.on("postgresql")
def test_postgresql_looks_up_each_route_before_it_has_statistics(
    database: Database, plans: Plans
) -> None:
    write(database, entry(*(push(f"v{number}") for number in range(2000))))
    plans.steps.clear()
    write(database, entry(*(push(tag) for tag in TAGS), at=LATER))

    [plan] = ["\n".join(steps) for text, steps in plans.steps if "LATERAL" in text]
    assert "syncs_open_by_route" in plan
    assert "syncs_open_by_lane" not in plan
    assert "Seq Scan" not in plan


def test_no_prepared_statement_is_left_out(database: Database, plans: Plans) -> None:
    for _ in plans_of_a_life(database, plans):
        pass

    prepared = {
        statement
        for module in (deliveries, syncs, calls, lanes, lane_queue)
        for statement in vars(module).values()
        if isinstance(statement, PreparedStatement)
    }
    # Of the other database: how to find open syncs by route, how to make due lanes ready, and on
    # SQLite the lock of a lane.
    assert len(prepared - plans.statements) == (3 if database.is_sqlite else 2)
