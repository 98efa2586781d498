"""The numbers for metrics: what they count, and that no row of an open sync is read for them."""

import re
from collections.abc import Callable
from dataclasses import replace
from datetime import timedelta
from typing import Any

import psycopg
import pytest
from sqlalchemy import Connection, Engine, event, text, update

from swrhook.ledger.database import Database
from swrhook.ledger.pauses import begin_pause
from swrhook.ledger.queries import overview
from swrhook.ledger.queries.stats import (
    OpenSyncs,
    count_open,
    most_overdue,
    oldest_pending,
    read_backlog,
)
from swrhook.ledger.tables import lanes, syncs
from swrhook.ledger.types import new_id
from swrhook.syncs.pauses import Pause, PauseKind
from tests.factories import LANE, NOW, OTHER_TARGET, TARGET, A, entry, push, put, write
from tests.waiting import eventually

MINUTE = timedelta(minutes=1)
READINGS: dict[str, Callable[[Connection], object]] = {
    "count": count_open,
    "oldest": oldest_pending,
    "open": overview.open_groups,
    "late": lambda connection: overview.late_groups(connection, NOW),
    "held up": overview.held_up_groups,
    "failing": lambda connection: overview.failing_groups(connection, NOW),
}


def fill(database: Database) -> None:
    """Record many syncs that have ended, and after them some that are open."""
    write(database, entry(*(push(f"v{number}", A) for number in range(1000))))
    with database.write() as connection:
        connection.execute(update(syncs).values(state="verified", verified_at=NOW, due_at=None))
        connection.execute(update(lanes).values(ready=False, due_at=None))
    write(database, entry(*(push(f"w{number}", A) for number in range(300)), at=NOW + MINUTE))
    if not database.is_sqlite:
        with psycopg.connect(database.conninfo, autocommit=True) as connection:
            assert eventually(lambda: vacuum(connection))


def vacuum(connection: psycopg.Connection[Any]) -> bool:
    """Vacuum PostgreSQL's table; False if another transaction keeps pages from being visible."""
    connection.execute("VACUUM ANALYZE syncs")
    pages = "SELECT relallvisible = relpages FROM pg_class WHERE oid = 'syncs'::regclass"
    row = connection.execute(pages).fetchone()
    return row is not None and bool(row[0])


def plans(database: Database, reading: Callable[[Connection], object]) -> list[str]:
    """Return the query plan of each statement of a reading."""
    statements: list[tuple[str, Any]] = []

    def note(*arguments: Any) -> None:
        statements.append(arguments[2:4])

    with database.read() as connection:
        event.listen(Engine, "before_cursor_execute", note)
        try:
            reading(connection)
        finally:
            event.remove(Engine, "before_cursor_execute", note)
        if not database.is_sqlite:
            # The tables of a test are so small that scanning them is cheapest.
            connection.execute(text("SET LOCAL enable_seqscan = off"))
            connection.execute(text("SET LOCAL enable_bitmapscan = off"))
        explain = "EXPLAIN QUERY PLAN" if database.is_sqlite else "EXPLAIN"
        return [
            "\n".join(
                row[-1] for row in connection.exec_driver_sql(f"{explain} {statement}", values)
            )
            for statement, values in statements
        ]


@pytest.mark.parametrize("reading", READINGS)
def test_open_syncs_are_found_by_an_index_however_many_syncs_have_ended(
    database: Database, reading: str
) -> None:
    fill(database)
    found = plans(database, READINGS[reading])
    # PostgreSQL takes any index of open syncs alone while there are few of them.
    index = "syncs_open_" if reading == "count" else "syncs_by_state"

    assert found
    for plan in found:
        assert index in plan
        # Neither all rows, nor a walk along all ids.
        assert re.search(r"Seq Scan|syncs_pkey on syncs\s|SCAN syncs$", plan, re.MULTILINE) is None


def test_counting_open_syncs_reads_only_an_index_in_its_order(database: Database) -> None:
    fill(database)
    for plan in plans(database, count_open):
        assert "COVERING INDEX" in plan or "Index Only Scan" in plan
        assert "TEMP B-TREE" not in plan
        assert "Sort" not in plan


def test_a_seek_finds_the_oldest_pending_sync(database: Database) -> None:
    fill(database)
    [plan] = plans(database, oldest_pending)

    assert "Limit" in plan or "SEARCH" in plan
    assert "Sort" not in plan
    assert "TEMP B-TREE" not in plan
    with database.read() as connection:
        assert oldest_pending(connection) == NOW + MINUTE


def test_a_paused_region_is_not_late_and_its_lanes_are_not_read(database: Database) -> None:
    write(database, entry(push("v1", A), targets=[OTHER_TARGET]))
    write(database, entry(push("v2", A), targets=[TARGET], at=NOW + MINUTE))
    paused = Pause(PauseKind.REGION, OTHER_TARGET.region, NOW, None, "ops", None)
    with database.write() as connection:
        begin_pause(connection, paused)

    with database.read() as connection:
        assert most_overdue(connection) == NOW + MINUTE
    ready = [plan for plan in plans(database, most_overdue) if "lanes_ready" in plan]
    assert len(ready) == 1
    assert re.search(r"\(flow=\?\)|Index Cond: .*flow", ready[0])


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        (PauseKind.REGION, OTHER_TARGET.region),
        (PauseKind.SENDER, "quiet"),
        (PauseKind.RULE, "idle"),
    ],
)
def test_a_paused_sync_is_not_the_oldest_pending(
    database: Database, kind: PauseKind, name: str
) -> None:
    far = replace(LANE, target=OTHER_TARGET)
    put(database, lane=far, tag="v1", rule="idle", sender="quiet", created_at=NOW, id=new_id())
    with database.write() as connection:
        begin_pause(connection, Pause(kind, name, NOW, None, "ops", None))

    with database.read() as connection:
        assert oldest_pending(connection) is None
    put(database, tag="v2", created_at=NOW + MINUTE, id=new_id())
    with database.read() as connection:
        assert oldest_pending(connection) == NOW + MINUTE


def test_the_backlog_has_counts_and_ages(database: Database) -> None:
    fill(database)
    with database.read() as connection:
        backlog = read_backlog(connection, NOW + 3 * MINUTE)

    assert backlog.open_syncs == [OpenSyncs("pending", "cn-east-3", 300)]
    assert (backlog.oldest_pending, backlog.most_overdue) == (120.0, 120.0)
