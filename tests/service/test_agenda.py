"""The agenda answers for all threads with one read, and knows each kind of task."""

from collections.abc import Mapping
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import Table, event, insert

from swrhook.ledger import repairs
from swrhook.ledger.coverage_tables import gaps
from swrhook.ledger.database import Database
from swrhook.ledger.notification_tables import notices, notifications
from swrhook.ledger.tables import expansions
from swrhook.service.agenda import Agenda, Tasks
from swrhook.syncs.reconciliation import RepairKind, RepairRequest
from tests.factories import NOW, FakeClock

NOTHING = Tasks(repairs=False, expansions=False, notifications=False, gaps=False)
EXPANSION = {
    "delivery": "01A",
    "sender": "ci",
    "region": "cn-north-4",
    "dedup_window": 0,
    "next_portion": 0,
    "pushes_left": 1,
    "fresh_pushes": 0,
    "over_max_open": False,
    "due_at": NOW,
}
MESSAGE = {
    "id": "01A",
    "channel": "ops",
    "topic": "failed",
    "group_key": "ops",
    "state": "waiting",
    "parts": [],
    "created_at": NOW,
    "due_at": NOW,
}
GAP = {
    "route": "route",
    "source_region": "cn-north-4",
    "namespace": "team",
    "repository": "shop",
    "target_region": "cn-east-3",
    "target_namespace": "team",
    "override": False,
    "tag": "v1",
    "rule": "all",
    "kind": "missing",
    "on_the_way": False,
    "since": NOW,
    "observed_at": NOW,
}


class Time:
    """The seconds since some moment, which a test sets."""

    def __init__(self) -> None:
        self.seconds = 100.0

    def __call__(self) -> float:
        return self.seconds


@pytest.fixture
def time() -> Time:
    return Time()


@pytest.fixture
def agenda(database: Database, time: Time) -> Agenda:
    return Agenda(database, FakeClock(), timer=time)


def add(database: Database, table: Table, row: Mapping[str, Any]) -> None:
    with database.write() as connection:
        connection.execute(insert(table), row)


def test_an_empty_ledger_has_no_task(agenda: Agenda) -> None:
    assert agenda.current() == NOTHING


@pytest.mark.parametrize(
    ("table", "row", "task"),
    [
        (expansions, EXPANSION, "expansions"),
        (notices, {"id": "01A", "at": NOW}, "notifications"),
        (notifications, MESSAGE, "notifications"),
        (gaps, GAP, "gaps"),
    ],
)
def test_each_row_is_a_task_of_its_kind(
    database: Database, agenda: Agenda, table: Table, row: Mapping[str, Any], task: str
) -> None:
    add(database, table, row)

    tasks = agenda.current()

    assert [name for name in Tasks.__slots__ if getattr(tasks, name)] == [task]


def test_a_repair_is_a_task_once_it_is_due(database: Database, time: Time) -> None:
    clock = FakeClock()
    agenda = Agenda(database, clock, timer=time)
    due_at = NOW + timedelta(hours=1)
    with database.write() as connection:
        repairs.begin(connection, RepairRequest(RepairKind.RECONCILE), due_at)

    assert not agenda.current().repairs
    clock.time, time.seconds = due_at, time.seconds + 60
    assert agenda.current().repairs


def test_an_answer_serves_for_a_while(database: Database, agenda: Agenda, time: Time) -> None:
    reads = 0

    def count(*_args: object) -> None:
        nonlocal reads
        reads += 1

    with database.read() as connection:
        event.listen(connection.engine, "begin", count)
    for _ in range(4):
        assert not agenda.current().gaps
    assert reads == 1

    add(database, gaps, GAP)
    time.seconds += 2

    assert agenda.current().gaps
