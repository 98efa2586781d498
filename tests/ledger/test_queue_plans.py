"""What the engine asks the ledger takes as long with thousands of waiting lanes as with a few."""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import pytest
from sqlalchemy import Connection, func, insert, select

from swrhook.ledger import pauses, sql
from swrhook.ledger.bulk_insert import insert_rows
from swrhook.ledger.database import Database
from swrhook.ledger.lane_queue import make_due_ready, read_occupancy, read_waiting, take_lane
from swrhook.ledger.lanes import release_lane
from swrhook.ledger.pauses import HELD_UNTIL, advance_pauses, begin_pause, end_pause
from swrhook.ledger.rows import from_lane
from swrhook.ledger.sql import PreparedStatement, execute
from swrhook.ledger.syncs import due_syncs
from swrhook.ledger.tables import lanes, syncs
from swrhook.model import Urgency, route
from swrhook.syncs.pauses import Pause, PauseKind
from tests.factories import LANE, MINUTE, NOW
from tests.ledger.queue import HOLDER, OTHER_HOLDER, flow, lane

FEW, MANY = 100, 4000
RUNNING = 8
FLOWS = [flow(urgency=urgency, sender=name) for urgency in Urgency for name in ("harbor", "quay")]
LAST = FLOWS[-1]
LATER = NOW + MINUTE
INSERT_LANE, INSERT_SYNC = insert(lanes), insert(syncs)


# What the engine asks. The scan of all lanes shows that growth would be seen.
OPERATIONS: dict[str, Callable[[Connection], object]] = {
    "read_waiting": read_waiting,
    "take_lane": lambda connection: take_lane(connection, LAST, "org-1", HOLDER),
    "read_occupancy": lambda connection: read_occupancy(connection, HOLDER),
    "due_syncs": lambda connection: due_syncs(connection, LANE, until=NOW, limit=200),
    "release_lane": lambda connection: release_lane(connection, LANE, NOW),
    "make_due_ready": lambda connection: make_due_ready(connection, NOW),
    "advance_pauses": lambda connection: advance_pauses(connection, NOW),
    "scan": lambda connection: PreparedStatement(select(func.count(lanes.c.repository))).scalar(
        connection
    ),
}

# The steps that find the rows, as each database calls them.
ON_SQLITE = {
    "read_waiting": ["USING INDEX lanes_ready"],
    "take_lane": ["USING INDEX lanes_ready", "USING INDEX sqlite_autoindex_lanes_1"],
    "read_occupancy": ["USING INDEX lanes_held"],
    "due_syncs": ["USING INDEX syncs_open_by_lane"],
    "release_lane": ["USING INDEX syncs_open_by_lane", "USING INDEX sqlite_autoindex_lanes_1"],
    "make_due_ready": ["USING INDEX lanes_scheduled", "USING INDEX sqlite_autoindex_lanes_1"],
    "advance_pauses": [
        "USING INDEX syncs_paused ((paused_by,id)>(?,?)",
        "sqlite_autoindex_syncs_1",
    ],
}
ON_POSTGRESQL = {
    "read_waiting": ["Index Only Scan using lanes_ready"],
    "take_lane": ["Index Scan using lanes_ready", "Index Scan using lanes_pkey"],
    "read_occupancy": ["Index Scan using lanes_held"],
    "due_syncs": ["syncs_open_by_lane"],
    "release_lane": ["using syncs_open_by_lane", "Index Scan using lanes_pkey"],
    "make_due_ready": ["Index Only Scan using lanes_scheduled", "lanes_pkey"],
    "advance_pauses": ["Index Scan using syncs_paused", "syncs_pkey"],
}


def fill(database: Database, first: int, number: int) -> None:
    """Add lanes of each kind, and syncs of LANE; as many rows of each as `number` says."""
    numbers = range(first, number)
    ready = [lane_row(n, flow=str(FLOWS[n % len(FLOWS)]), ready=True) for n in numbers]
    scheduled = [lane_row(n + MANY, flow=str(LAST), due_at=LATER) for n in numbers]
    due = [lane_row(n + 2 * MANY, flow=str(LAST)) for n in numbers[:3]]
    held = [lane_row(n + 3 * MANY, flow=str(LAST), holder=OTHER_HOLDER) for n in range(RUNNING)]
    with database.write() as connection:
        if not first and not database.is_sqlite:  # without the dead rows of other tests
            connection.exec_driver_sql("TRUNCATE lanes, syncs, pauses")
        insert_rows(
            connection, INSERT_LANE, [*ready, *scheduled, *due, *(held if not first else ())]
        )
        insert_rows(connection, INSERT_SYNC, [sync_row(n) for n in numbers])
        insert_rows(connection, INSERT_SYNC, [held_row(n) for n in numbers])
        if not first:
            paused = Pause(PauseKind.RULE, "idle", NOW, None, "ops", None)
            begin_pause(connection, paused)
            end_pause(connection, paused.paused, NOW)  # its syncs are released in portions
    if not database.is_sqlite:
        with database.write() as connection:
            connection.exec_driver_sql("ANALYZE")


def lane_row(number: int, **columns: Any) -> dict[str, Any]:
    one = lane(f"r{number}", organization=f"org-{number % 5}")
    waits = {"due_at": NOW, "ready": False, "holder": None}
    return {"key": one.key, **from_lane(one)} | waits | columns


def sync_row(number: int) -> dict[str, Any]:
    tag = f"v{number}"
    owner = LANE.key if number < FEW else f"of another lane {number % 50}"
    return {
        "id": f"{number:026}",
        "sender": "harbor",
        **from_lane(LANE),
        "tag": tag,
        "lane": owner,
        "route": route(LANE, tag),
        "rule": "all",
        "rules_version": "0123456789ab",
        "state": "pending",
        "created_at": NOW,
        "updated_at": NOW,
        "due_at": NOW,
        "urgency": number % len(Urgency),
    }


def held_row(number: int) -> dict[str, Any]:
    of_lane = {**from_lane(lane("paused")), "lane": lane("paused").key, "id": f"{number:025}p"}
    held = {"paused_by": "rule idle", "due_at": HELD_UNTIL}
    return {**sync_row(number), **of_lane, **held, "route": route(lane("paused"), f"v{number}")}


@dataclass
class Meter:
    """What the statements cost, in steps of SQLite's machine or pages of PostgreSQL; and plans."""

    cost: int = 0
    plan: list[str] = field(default_factory=list)

    def step(self) -> None:
        self.cost += 1


@pytest.fixture
def meter(database: Database, monkeypatch: pytest.MonkeyPatch) -> Meter:
    meter = Meter()
    monkeypatch.setattr(pauses, "MOST_RELEASED", FEW // 4)
    measure = on_sqlite if database.is_sqlite else on_postgresql

    def execute_measured(
        connection: Connection, statement: str, parameters: Any, **options: Any
    ) -> Any:
        measure(meter, connection, statement, parameters)
        return execute(connection, statement, parameters, **options)

    monkeypatch.setattr(sql, "execute", execute_measured)
    return meter


def on_sqlite(meter: Meter, connection: Connection, statement: str, parameters: Any) -> None:
    plan = execute(connection, f"EXPLAIN QUERY PLAN {statement}", parameters)
    meter.plan += [row[-1] for row in plan]
    driver: Any = connection.connection.driver_connection
    with undone(connection):
        driver.set_progress_handler(meter.step, 1)
        execute(connection, statement, parameters)
        driver.set_progress_handler(None, 1)


def on_postgresql(meter: Meter, connection: Connection, statement: str, parameters: Any) -> None:
    meter.plan += [row[0] for row in execute(connection, f"EXPLAIN {statement}", parameters)]
    with undone(connection):
        explain = f"EXPLAIN (ANALYZE, BUFFERS, FORMAT JSON) {statement}"
        [[[told]]] = execute(connection, explain, parameters)
        plan = told["Plan"] if isinstance(told, dict) else json.loads(told)["Plan"]
        meter.cost += plan["Shared Hit Blocks"] + plan["Shared Read Blocks"]


@contextmanager
def undone(connection: Connection) -> Iterator[None]:
    execute(connection, "SAVEPOINT measured", returns_rows=False)
    yield
    execute(connection, "ROLLBACK TO SAVEPOINT measured", returns_rows=False)


def run_each(database: Database, meter: Meter) -> Iterator[tuple[str, int, str]]:
    """Run each operation; yield its name, its cost and its plan."""
    for name, operation in OPERATIONS.items():
        meter.cost, meter.plan = 0, []
        with database.write() as connection:
            operation(connection)
        yield name, meter.cost, "\n".join(meter.plan)


def test_no_question_costs_more_when_more_lanes_wait(database: Database, meter: Meter) -> None:
    fill(database, 0, FEW)
    few = {name: cost for name, cost, _ in run_each(database, meter)}
    fill(database, FEW, MANY)
    many = {name: cost for name, cost, _ in run_each(database, meter)}

    # An index of PostgreSQL gets a level deeper.
    most = 1.1 if database.is_sqlite else 3
    assert min(few.values()) > 0
    assert {name for name in few if many[name] > most * few[name]} == {"scan"}


def test_every_question_is_a_search_in_an_index(database: Database, meter: Meter) -> None:
    fill(database, 0, MANY)
    plans = {name: plan for name, _, plan in run_each(database, meter)}

    steps = ON_SQLITE if database.is_sqlite else ON_POSTGRESQL
    scan = "SCAN lanes" if database.is_sqlite else "Seq Scan on lanes"
    for name, searches in steps.items():
        for search in searches:
            assert search in plans[name]
        assert scan not in plans[name]
    assert scan in plans["scan"]
