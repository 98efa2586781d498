"""Retention: once an hour one process deletes old rows, counts them and logs one line."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import text, update

from swrhook import logs
from swrhook.ledger.database import Database
from swrhook.ledger.tables import deliveries, syncs
from swrhook.metrics import Metrics
from swrhook.model import State
from swrhook.service.retention import INTERVAL, Retention
from tests.factories import A, FakeClock, FixedConfig, entry, everything, push, write
from tests.json_lines import json_lines
from tests.waiting import eventually
from tests.web.harness import configuration

pytestmark = pytest.mark.on("sqlite", "postgresql")

# Ids contain the time of the system clock.
NOW = datetime.now(UTC)
DAY = timedelta(days=1)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def metrics() -> Metrics:
    return Metrics()


@pytest.fixture
def retention(database: Database, clock: FakeClock, metrics: Metrics) -> Retention:
    logs.configure("json", "INFO")
    return Retention(database, FixedConfig(configuration()), clock, metrics, interval=0.05)


def record_ended(database: Database, tag: str, at: datetime = NOW) -> None:
    """Record a delivery whose sync has ended."""
    write(database, entry(push(tag, A), at=at))
    with database.write() as connection:
        ended = update(syncs).where(syncs.c.tag == tag)
        connection.execute(ended.values(state=State.VERIFIED.value, due_at=None, updated_at=at))


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    events = json_lines(capsys.readouterr().out)
    return [line for line in events if line["event"].startswith("retention.")]


def test_deliveries_are_deleted_long_before_syncs(
    database: Database, retention: Retention, clock: FakeClock
) -> None:
    record_ended(database, "v1")

    clock.time = NOW + 29 * DAY
    nothing = retention.run_if_due()
    assert nothing is not None
    assert +nothing == {}
    clock.time = NOW + 31 * DAY
    first = retention.run_if_due()
    assert first is not None
    assert +first == {"deliveries": 1, "pushes": 1, "latest_pushes": 1}
    clock.time = NOW + 181 * DAY
    second = retention.run_if_due()
    assert second is not None
    assert second["syncs"] == 1


def test_deliveries_are_kept_as_long_as_the_deduplication_window(
    database: Database, clock: FakeClock, metrics: Metrics
) -> None:
    whole = configuration()
    config = replace(whole, options=replace(whole.options, dedup_window=90 * DAY))

    record_ended(database, "v1")
    clock.time = NOW + 89 * DAY

    Retention(database, FixedConfig(config), clock, metrics).run_if_due()

    assert len(everything(database, deliveries)) == 1


def test_a_run_is_logged_in_one_line_and_counted(
    database: Database,
    retention: Retention,
    clock: FakeClock,
    metrics: Metrics,
    capsys: pytest.CaptureFixture[str],
) -> None:
    record_ended(database, "v1")
    clock.time = NOW + 31 * DAY

    retention.run_if_due()

    [line] = lines(capsys)
    assert (line["event"], line["deliveries"], line["pushes"]) == ("retention.done", 1, 1)
    shown = metrics.text().decode()
    assert 'swrhook_pruned_rows_total{table="deliveries"} 1.0' in shown
    assert 'swrhook_retention_runs_total{outcome="done"} 1.0' in shown


def test_one_process_makes_the_run_for_all(
    database: Database, retention: Retention, clock: FakeClock, metrics: Metrics
) -> None:
    another = Retention(database, FixedConfig(configuration()), clock, metrics)

    assert retention.run_if_due() is not None
    assert another.run_if_due() is None
    clock.time = NOW + INTERVAL - timedelta(seconds=1)
    assert another.run_if_due() is None
    clock.time = NOW + INTERVAL
    assert another.run_if_due() is not None
    assert retention.run_if_due() is None


def test_a_long_run_is_not_started_twice(
    database: Database, retention: Retention, clock: FakeClock, metrics: Metrics
) -> None:
    record_ended(database, "v1")
    clock.time = NOW + 31 * DAY

    class Ticking(FakeClock):
        def now(self) -> datetime:
            self.time += INTERVAL / 2  # half an hour passes between two readings
            return self.time

    ticking = Ticking(clock.time)
    Retention(database, FixedConfig(configuration()), ticking, metrics).run_if_due()

    clock.time = ticking.time + INTERVAL / 4
    assert retention.run_if_due() is None


def test_a_run_is_made_after_the_clock_was_far_ahead(
    retention: Retention, clock: FakeClock
) -> None:
    clock.time = NOW + 1000 * DAY
    assert retention.run_if_due() is not None

    clock.time = NOW
    assert retention.run_if_due() is not None
    assert retention.run_if_due() is None


def test_the_thread_makes_runs_until_it_is_stopped(
    database: Database, retention: Retention, clock: FakeClock
) -> None:
    record_ended(database, "v1")
    clock.time = NOW + 31 * DAY

    retention.start()
    is_pruned = eventually(lambda: not everything(database, deliveries))
    retention.stop()

    assert is_pruned


@pytest.mark.on("sqlite")
def test_a_failed_run_is_logged_and_counted_and_the_thread_continues(
    database: Database,
    retention: Retention,
    metrics: Metrics,
    capsys: pytest.CaptureFixture[str],
) -> None:
    with database.write() as connection:
        connection.execute(text("ALTER TABLE leases RENAME TO away"))
    retention.start()
    assert eventually(lambda: b'runs_total{outcome="failed"}' in metrics.text())
    with database.write() as connection:
        connection.execute(text("ALTER TABLE away RENAME TO leases"))
    assert eventually(lambda: b'runs_total{outcome="done"}' in metrics.text())
    retention.stop()

    events = [line["event"] for line in lines(capsys)]
    assert set(events) == {"retention.failed", "retention.done"}
