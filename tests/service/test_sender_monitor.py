"""Which senders are silent, and what the monitor logs about it."""

import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from swrhook import logs
from swrhook.ledger.database import Database
from swrhook.ledger.queries.senders import last_query
from swrhook.service.sender_monitor import SenderActivity, SenderMonitor
from tests.factories import FakeClock
from tests.json_lines import json_lines
from tests.web.harness import NOW, WebHarness

HOUR = timedelta(hours=1)


@pytest.fixture
def harness(database: Database) -> WebHarness:
    return WebHarness(database)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def activity(harness: WebHarness, clock: FakeClock) -> SenderActivity:
    sender = replace(harness.config.senders["ci"], expect_every=HOUR)
    harness.config = replace(harness.config, senders={"ci": sender})
    logs.configure("json", "INFO")
    return SenderActivity(harness.database, harness, clock)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return json_lines(capsys.readouterr().out)


def test_the_beginning_and_the_end_of_a_silence_are_logged_once(
    harness: WebHarness,
    activity: SenderActivity,
    clock: FakeClock,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monitor = SenderMonitor(activity)
    harness.push("team/web:v1")
    monitor.poll()
    clock.time += HOUR + timedelta(seconds=1)
    monitor.poll()
    monitor.poll()
    harness.push("team/web:v2", ago=-HOUR)
    monitor.poll()
    monitor.poll()

    silent, heard = lines(capsys)

    assert (
        silent["event"],
        silent["level"],
        silent["sender"],
        silent["expect_every"],
    ) == ("sender.silent", "warning", "ci", "1h")
    assert silent["last_delivery_at"] == NOW.isoformat(timespec="milliseconds")
    assert (heard["event"], heard["level"], heard["sender"]) == ("sender.heard", "info", "ci")


def test_the_silence_of_a_new_sender_counts_from_the_start_of_the_process(
    activity: SenderActivity, clock: FakeClock
) -> None:
    before = activity.read()
    clock.time += HOUR + timedelta(seconds=1)
    after = activity.read()

    assert before is not None
    assert after is not None
    assert ([status.is_silent for status in before], [status.is_silent for status in after]) == (
        [False],
        [True],
    )


def test_nothing_is_logged_about_a_sender_removed_from_the_configuration(
    harness: WebHarness,
    activity: SenderActivity,
    clock: FakeClock,
    capsys: pytest.CaptureFixture[str],
) -> None:
    monitor = SenderMonitor(activity)
    clock.time += 2 * HOUR
    monitor.poll()
    harness.config = replace(harness.config, senders={})
    monitor.poll()

    assert [line["event"] for line in lines(capsys)] == ["sender.silent"]


def test_the_thread_checks_until_it_is_stopped(
    activity: SenderActivity, clock: FakeClock, capsys: pytest.CaptureFixture[str]
) -> None:
    clock.time += 2 * HOUR
    monitor = SenderMonitor(activity, interval=0.01)
    monitor.start()
    pause = threading.Event()
    events: list[dict[str, Any]] = []
    while not events and not pause.wait(0.02):
        events = lines(capsys)
    monitor.stop()

    assert [line["event"] for line in events] == ["sender.silent"]
    assert "sender_monitor" not in [thread.name for thread in threading.enumerate()]


def test_a_monitor_that_was_not_started_can_be_stopped(activity: SenderActivity) -> None:
    SenderMonitor(activity).stop()


def test_the_query_for_the_last_delivery_uses_the_index(harness: WebHarness) -> None:
    with harness.database.read() as connection:
        query = str(last_query("ci").compile(connection, compile_kwargs={"literal_binds": True}))
        [plan] = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}")

    assert plan[3] == "SEARCH deliveries USING INDEX deliveries_by_sender (sender=?)"


def test_the_silence_of_an_added_sender_counts_from_its_reload(
    harness: WebHarness, activity: SenderActivity, clock: FakeClock
) -> None:
    new = replace(harness.config.senders["ci"], name="new", expect_every=HOUR)
    clock.time += 2 * HOUR
    harness.config = replace(harness.config, senders={"new": new})
    at_first = silent_senders(activity)
    clock.time += HOUR + timedelta(seconds=1)

    assert at_first == []
    assert silent_senders(activity) == ["new"]


def silent_senders(activity: SenderActivity) -> list[str]:
    return [status.sender for status in activity.read() or () if status.is_silent]
