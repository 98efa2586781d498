"""Both engines: each lane runs when it is due, once at a time, whatever goes wrong."""

import threading
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from datetime import UTC, datetime, timedelta

import pytest
from swrhook.engine.postgresql import Intervals, PostgresEngine
from swrhook.engine.sqlite import SqliteEngine

from swrhook.clock import SystemClock
from swrhook.engine import Engine, sqlite
from swrhook.ledger.database import Database
from swrhook.ledger.lanes import schedule_lanes
from swrhook.ledger.tables import lanes, syncs
from swrhook.model import Lane, State, Target
from tests.factories import LANE, FakeWork, put

PATIENCE = 20.0
HOUR = timedelta(hours=1)
WORKERS = 4


def lane(name: str = "web", target: str = "cn-east-3", sender: str = "cn-north-4") -> Lane:
    return Lane(sender, "team", name, Target(target, "team"), override=False)


def soon(seconds: float = 0.0) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


class Work:
    """A LaneWork that records its runs, and can be made to hang, to fail, or to be due again."""

    def __init__(self) -> None:
        self.runs: list[Lane] = []
        self.untils: list[datetime] = []
        self.inside: set[Lane] = set()
        self.twice: list[Lane] = []
        self.most = 0
        self.answers: dict[Lane, list[datetime | Exception | None]] = {}
        self.hanging: set[Lane] = set()
        self._changed = threading.Condition()

    def run(self, lane: Lane, until: datetime) -> datetime | None:
        with self._changed:
            if lane in self.inside:
                self.twice.append(lane)
            self.inside.add(lane)
            self.most = max(self.most, len(self.inside))
            self.runs.append(lane)
            self.untils.append(until)
            self._changed.notify_all()
            self._changed.wait_for(lambda: lane not in self.hanging, PATIENCE)
            self.inside.discard(lane)
            self._changed.notify_all()
            answers = self.answers.get(lane)
            answer = answers.pop(0) if answers else None
        if isinstance(answer, Exception):
            raise answer
        return answer

    def release(self, *lanes: Lane) -> None:
        with self._changed:
            self.hanging -= set(lanes) or set(self.hanging)
            self._changed.notify_all()

    def wait_for(self, holds: Callable[[], bool]) -> bool:
        with self._changed:
            return self._changed.wait_for(holds, PATIENCE)

    def has_run(self, *lanes: Lane, times: int = 1) -> bool:
        return self.wait_for(lambda: all(self.runs.count(lane) >= times for lane in lanes))


@pytest.fixture
def work() -> Work:
    return Work()


@pytest.fixture
def engine(database: Database, work: Work) -> Iterator[Engine]:
    engine = make_engine(database, work)
    engine.start()
    yield engine
    work.release()
    engine.stop()


def make_engine(
    database: Database,
    work: Work,
    *,
    after_error: float = 0.05,
    longest_wait: timedelta = HOUR,
) -> Engine:
    """Return the database's engine; each run clears the lane's wake time, as a worker's does."""

    def run(lane: Lane, until: datetime) -> datetime | None:
        with database.write() as connection:
            connection.execute(lanes.update().where(lanes.c.key == lane.key).values(wake_at=None))
        return work.run(lane, until)

    if not database.is_sqlite:
        intervals = Intervals(poll=0.05, heartbeat=0.2, dead_after=5, after_error=after_error)
        return PostgresEngine(database, FakeWork(run), WORKERS, SystemClock(), intervals=intervals)
    return SqliteEngine(
        database,
        FakeWork(run),
        WORKERS,
        after_error=timedelta(seconds=after_error),
        longest_wait=longest_wait,
    )


def wake(
    database: Database, engine: Engine, woken: Sequence[Lane], at: datetime | None = None
) -> None:
    at = at or soon()
    with database.write() as connection:
        engine.wake(schedule_lanes(connection, woken, at), at, connection)


def assert_quiet(work: Work) -> None:
    """Give what must not happen the time to happen."""
    time.sleep(0.15)
    assert work.twice == []


def test_a_lane_runs_when_it_is_woken(database: Database, engine: Engine, work: Work) -> None:
    wake(database, engine, [lane()])

    assert work.has_run(lane())
    assert_quiet(work)
    assert work.runs == [lane()]


def test_a_lane_runs_when_it_is_due_and_not_before(
    database: Database, engine: Engine, work: Work
) -> None:
    due = soon(0.4)
    wake(database, engine, [lane("later")], due)
    wake(database, engine, [lane("now")])

    assert work.has_run(lane("later"))
    assert work.runs == [lane("now"), lane("later")]
    assert work.untils[1] >= due
    assert datetime.now(UTC) >= due


def test_a_run_covers_all_that_is_due_by_now(
    database: Database, engine: Engine, work: Work
) -> None:
    wake(database, engine, [lane()], soon(-3600))

    assert work.has_run(lane())
    assert work.untils[0] > soon(-PATIENCE)


def test_a_wake_counts_only_when_its_transaction_commits(
    database: Database, engine: Engine, work: Work
) -> None:
    with suppress(ZeroDivisionError), database.write() as connection:
        engine.wake([lane("rolled-back")], soon(), connection)
        raise ZeroDivisionError
    with database.write() as connection:
        engine.wake([lane()], soon(), connection)
        assert_quiet(work)
        assert work.runs == []

    assert work.has_run(lane())
    assert work.runs == [lane()]


def test_a_sooner_wake_wins(database: Database, engine: Engine, work: Work) -> None:
    wake(database, engine, [lane()], soon(3600))
    wake(database, engine, [lane()], soon(0.05))
    wake(database, engine, [lane()], soon(1800))

    assert work.has_run(lane())
    assert_quiet(work)
    assert work.runs == [lane()]  # the later wakes have gone with it


def test_a_lane_runs_again_when_its_run_returned_a_time(
    database: Database, engine: Engine, work: Work
) -> None:
    work.answers[lane()] = [soon(), soon(0.05), None]

    wake(database, engine, [lane()])

    assert work.has_run(lane(), times=3)
    assert_quiet(work)
    assert work.runs == [lane()] * 3


def test_the_same_lane_never_runs_twice_at_once(
    database: Database, engine: Engine, work: Work
) -> None:
    for _ in range(50):
        wake(database, engine, [lane()])
        wake(database, engine, [lane("other")])

    assert work.has_run(lane(), lane("other"))
    assert_quiet(work)


def test_a_wake_during_the_run_is_not_lost(database: Database, engine: Engine, work: Work) -> None:
    work.hanging.add(lane())
    wake(database, engine, [lane()])
    assert work.has_run(lane())

    wake(database, engine, [lane()])
    assert_quiet(work)
    assert work.runs == [lane()]
    work.release()

    assert work.has_run(lane(), times=2)


def test_a_later_wake_during_a_run_does_not_replace_the_time_that_the_run_returns(
    database: Database, engine: Engine, work: Work
) -> None:
    work.hanging.add(lane())
    work.answers[lane()] = [soon(0.3)]
    wake(database, engine, [lane()])
    assert work.has_run(lane())
    wake(database, engine, [lane()], soon(3600))

    work.release()

    assert work.has_run(lane(), times=2)


def test_lanes_run_at_the_same_time(database: Database, engine: Engine, work: Work) -> None:
    several = [lane(f"r{n}") for n in range(WORKERS)]
    work.hanging |= set(several)

    wake(database, engine, several)

    assert work.wait_for(lambda: work.inside == set(several))


def test_lanes_that_become_due_together_run_at_the_same_time(
    database: Database, engine: Engine, work: Work
) -> None:
    several = [lane(f"r{n}") for n in range(WORKERS)]
    work.hanging |= set(several)
    due = soon(0.3)

    for each in several:
        wake(database, engine, [each], due)

    assert work.wait_for(lambda: work.inside == set(several))


def test_many_lanes_all_run(database: Database, engine: Engine, work: Work) -> None:
    several = [lane(f"r{n}") for n in range(300 if database.is_sqlite else 60)]

    for number, each in enumerate(several):
        wake(database, engine, [each], soon(0.001 * (number % 50)))

    assert work.has_run(*several)
    assert work.most <= WORKERS


def test_a_run_that_fails_is_repeated(database: Database, engine: Engine, work: Work) -> None:
    work.answers[lane()] = [OSError("the disk"), ZeroDivisionError("our own"), None]

    wake(database, engine, [lane()])

    assert work.has_run(lane(), times=3)
    assert_quiet(work)
    assert work.runs == [lane()] * 3
    assert engine.check() is None


def test_a_run_that_fails_is_not_repeated_at_once(database: Database, work: Work) -> None:
    engine = make_engine(database, work, after_error=3600)
    engine.start()
    work.answers[lane()] = [OSError("the disk")]

    wake(database, engine, [lane(), lane("other")])
    assert work.has_run(lane(), lane("other"))
    assert_quiet(work)
    engine.stop()

    assert len(work.runs) == 2


def test_a_start_schedules_what_an_earlier_process_left_unfinished(
    database: Database, work: Work
) -> None:
    left = [
        (State.PENDING, lane("pending"), soon(-60)),
        (State.TRIGGERED, lane("triggered"), soon(0.05)),
        (State.CALLING, lane("calling"), None),
        (State.VERIFIED, lane("verified"), None),
    ]
    for number, (state, each, due_at) in enumerate(left):
        put(database, state, each, tag=f"v{number}", due_at=due_at)

    engine = make_engine(database, work)
    engine.start()

    assert work.has_run(lane("pending"), lane("triggered"), lane("calling"))
    assert_quiet(work)
    assert lane("verified") not in work.runs
    engine.stop()


@pytest.mark.on("sqlite")
def test_the_wake_of_a_dead_process_blocks_no_later_one(database: Database, work: Work) -> None:
    sync = put(database, due_at=soon())
    with database.write() as connection:
        schedule_lanes(connection, [LANE], soon())
        # Cancelled before it ran; then the process ended.
        cancelled = syncs.update().where(syncs.c.id == sync.id)
        connection.execute(cancelled.values(state=State.CANCELLED.value, due_at=None))
    engine = make_engine(database, work)
    engine.start()

    with database.write() as connection:
        woken = schedule_lanes(connection, [LANE], soon())
        engine.wake(woken, soon(), connection)

    assert work.has_run(LANE)
    engine.stop()


def test_stop_finishes_the_runs_in_flight_and_starts_no_more(
    database: Database, work: Work
) -> None:
    engine = make_engine(database, work)
    engine.start()
    in_flight = [lane(f"r{n}") for n in range(WORKERS)]
    work.hanging |= set(in_flight)
    wake(database, engine, in_flight)
    assert work.has_run(*in_flight)
    wake(database, engine, [lane("next")])

    stopping = threading.Thread(target=engine.stop)
    stopping.start()
    stopping.join(0.1)
    assert stopping.is_alive()  # it waits for them
    work.release()
    stopping.join(PATIENCE)

    assert not stopping.is_alive()
    assert work.inside == set()
    assert lane("next") not in work.runs


def test_the_check_reports_an_engine_that_does_not_run(database: Database, work: Work) -> None:
    engine = make_engine(database, work)
    assert engine.check() == "the engine does not run"

    engine.start()
    assert engine.check() is None
    engine.stop()

    assert engine.check() == "the engine does not run"


@pytest.mark.on("sqlite")
def test_without_workers_no_lane_runs(database: Database, work: Work) -> None:
    engine = SqliteEngine(database, work, 0)
    engine.start()

    wake(database, engine, [lane()])
    assert_quiet(work)

    assert work.runs == []
    assert engine.check() is None
    engine.stop()


@pytest.mark.on("sqlite")
def test_no_lane_waits_longer_than_the_limit_after_the_clock_was_set_back(
    database: Database, work: Work
) -> None:
    engine = make_engine(database, work, longest_wait=timedelta(seconds=0.05))
    engine.start()
    due = soon(7200)  # by the clock as it was

    wake(database, engine, [lane()], due)

    assert work.has_run(lane())
    assert work.untils == [due]
    engine.stop()


@pytest.mark.on("sqlite")
def test_a_start_shifts_due_times_after_the_clock_was_set_back(
    database: Database, work: Work
) -> None:
    put(database, lane=lane(), due_at=soon(7200), updated_at=soon(7200))

    engine = make_engine(database, work)
    engine.start()

    assert work.has_run(lane())
    engine.stop()


@pytest.mark.on("sqlite")
def test_a_running_engine_shifts_due_times_when_the_clock_is_set_back(
    database: Database, work: Work, monkeypatch: pytest.MonkeyPatch
) -> None:
    engine = make_engine(database, work)
    engine.start()
    put(database, lane=lane("other"), due_at=soon(7200), updated_at=soon(7200))
    wake(database, engine, [lane()])
    assert work.has_run(lane())
    assert_quiet(work)
    assert lane("other") not in work.runs

    offset = time.time() - time.monotonic() - 7200
    monkeypatch.setattr(sqlite, "clock_offset", lambda: offset)
    wake(database, engine, [lane()])

    assert work.has_run(lane("other"))
    engine.stop()


def test_a_postponed_lane_can_be_run_now(database: Database, engine: Engine, work: Work) -> None:
    work.answers[lane()] = [soon(3600), None]
    wake(database, engine, [lane()])
    assert work.has_run(lane())

    engine.run_now(lane())

    assert work.has_run(lane(), times=2)
    assert_quiet(work)
    assert len(work.runs) == 2


def test_a_lane_that_is_to_run_now_while_it_runs_runs_again(
    database: Database, engine: Engine, work: Work
) -> None:
    work.hanging.add(lane())
    work.answers[lane()] = [soon(3600), None]
    wake(database, engine, [lane()])
    assert work.has_run(lane())

    engine.run_now(lane())
    work.release()

    assert work.has_run(lane(), times=2)
