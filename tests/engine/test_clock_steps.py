"""The engine on SQLite when the wall clock is set back: no lane waits until it is where it was."""

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

import pytest

from swrhook.ledger.database import Database
from swrhook.ledger.lanes import release_lane, schedule_lanes
from swrhook.model import Urgency
from tests.engine.lane_work import Work, assert_quiet, deliver, running
from tests.factories import put
from tests.ledger.queue import lane

pytestmark = pytest.mark.on("sqlite")
HOURS = timedelta(hours=2)


@dataclass
class WallClock:
    """A clock that can be set."""

    ahead: timedelta = timedelta()

    def now(self) -> datetime:
        return datetime.now(UTC) + self.ahead


def postpone(database: Database, clock: WallClock, delay: timedelta) -> None:
    """Let a lane wait for a sync that is due after a delay."""
    now = clock.now()
    put(database, lane=lane("waits"), due_at=now + delay, updated_at=now)
    with database.write() as connection:
        schedule_lanes(connection, {lane("waits"): "harbor"}, Urgency.FRESH, now)
        release_lane(connection, lane("waits"), now)


def test_a_lane_does_not_wait_longer_because_the_clock_was_set_back(database: Database) -> None:
    work, clock = Work(), WallClock(HOURS)
    with running(database, work, clock=clock) as engine:
        deliver(database, engine, lane("before"))
        assert work.has_run(lane("before"))
        postpone(database, clock, timedelta(seconds=0.2))
        clock.ahead = timedelta()
        deliver(database, engine, lane("after"))

        assert work.has_run(lane("waits"))


def test_nor_because_it_was_set_back_while_no_process_ran(database: Database) -> None:
    work, clock = Work(), WallClock(HOURS)
    with running(database, work, clock=clock) as engine:
        deliver(database, engine, lane("before"))
        assert work.has_run(lane("before"))
    postpone(database, clock, timedelta(seconds=0.2))

    with running(database, work, clock=WallClock()):
        assert work.has_run(lane("waits"))


def test_a_lane_that_is_due_later_still_waits_after_the_clock_was_set_back(
    database: Database,
) -> None:
    work, clock = Work(), WallClock(HOURS)
    with running(database, work, clock=clock) as engine:
        deliver(database, engine, lane("before"))
        assert work.has_run(lane("before"))
        postpone(database, clock, timedelta(hours=1))
        clock.ahead = timedelta()
        deliver(database, engine, lane("after"))
        assert work.has_run(lane("after"))
        assert_quiet(work)

    assert lane("waits") not in work.runs


def test_a_clock_that_is_set_forward_makes_lanes_due(database: Database) -> None:
    work, clock = Work(), WallClock()
    with running(database, work, clock=clock) as engine:
        deliver(database, engine, lane("before"))
        assert work.has_run(lane("before"))
        postpone(database, clock, timedelta(hours=1))
        clock.ahead = HOURS
        deliver(database, engine, lane("after"))

        assert work.has_run(lane("waits"))
