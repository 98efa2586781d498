import json
import threading
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from swrhook import logs
from swrhook.ledger.queries.senders import last_query
from swrhook.service.sender_monitor import SenderActivity, SenderMonitor
from tests.factories import FakeClock
from tests.web.parts import NOW, Parts

HOUR = timedelta(hours=1)


@pytest.fixture
def clock() -> FakeClock:
    return FakeClock(NOW)


@pytest.fixture
def hearing(parts: Parts, clock: FakeClock) -> SenderActivity:
    sender = replace(parts.config.senders["ci"], expect_every=HOUR)
    parts.config = replace(parts.config, senders={"ci": sender})
    logs.configure("json", "INFO")
    return SenderActivity(parts.database, parts, clock)


def lines(capsys: pytest.CaptureFixture[str]) -> list[dict[str, Any]]:
    return [json.loads(line) for line in capsys.readouterr().out.splitlines()]


def test_a_silence_is_told_once_and_so_is_its_end(
    parts: Parts, hearing: SenderActivity, clock: FakeClock, capsys: pytest.CaptureFixture[str]
) -> None:
    watch = SenderMonitor(hearing)
    parts.push("team/web:v1")
    watch.poll()
    clock.time += HOUR + timedelta(seconds=1)
    watch.poll()
    watch.poll()
    parts.push("team/web:v2", ago=-HOUR)
    watch.poll()
    watch.poll()

    silent, heard = lines(capsys)

    assert (
        silent["event"],
        silent["level"],
        silent["sender"],
        silent["expect_every"],
    ) == ("sender.silent", "warning", "ci", "1h")
    assert NOW.isoformat(timespec="milliseconds") == silent["last_delivery_at"]
    assert (heard["event"], heard["level"], heard["sender"]) == ("sender.heard", "info", "ci")


def test_a_sender_never_heard_is_silent_from_the_start_of_the_process(
    hearing: SenderActivity, clock: FakeClock
) -> None:
    before = hearing.read()
    clock.time += HOUR + timedelta(seconds=1)
    after = hearing.read()

    assert before is not None
    assert after is not None
    assert ([h.is_silent for h in before], [h.is_silent for h in after]) == ([False], [True])


def test_a_sender_that_is_no_longer_configured_is_forgotten(
    parts: Parts, hearing: SenderActivity, clock: FakeClock, capsys: pytest.CaptureFixture[str]
) -> None:
    watch = SenderMonitor(hearing)
    clock.time += 2 * HOUR
    watch.poll()
    parts.config = replace(parts.config, senders={})
    watch.poll()

    assert [line["event"] for line in lines(capsys)] == ["sender.silent"]


def test_the_watch_looks_by_itself_until_it_is_stopped(
    hearing: SenderActivity, clock: FakeClock, capsys: pytest.CaptureFixture[str]
) -> None:
    clock.time += 2 * HOUR
    watch = SenderMonitor(hearing, between=0.01)
    watch.start()
    deadline = threading.Event()
    found: list[dict[str, Any]] = []
    while not found and not deadline.wait(0.02):
        found = lines(capsys)
    watch.stop()

    assert [line["event"] for line in found] == ["sender.silent"]
    assert "watch" not in [thread.name for thread in threading.enumerate()]


def test_a_watch_that_never_began_can_be_stopped(hearing: SenderActivity) -> None:
    SenderMonitor(hearing).stop()


def test_the_last_delivery_is_found_in_the_index(parts: Parts) -> None:
    with parts.database.read() as connection:
        query = str(last_query("ci").compile(connection, compile_kwargs={"literal_binds": True}))
        [plan] = connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {query}")

    assert plan[3] == "SEARCH deliveries USING INDEX deliveries_by_sender (sender=?)"


def test_a_sender_that_is_new_in_a_running_process_is_given_its_time(
    parts: Parts, hearing: SenderActivity, clock: FakeClock
) -> None:
    new = replace(parts.config.senders["ci"], name="new", expect_every=HOUR)
    clock.time += 2 * HOUR
    parts.config = replace(parts.config, senders={"new": new})
    at_first = silent(hearing)
    clock.time += HOUR + timedelta(seconds=1)

    assert at_first == []
    assert silent(hearing) == ["new"]


def silent(hearing: SenderActivity) -> list[str]:
    return [heard.sender for heard in hearing.read() or () if heard.is_silent]
