"""A LaneWork for tests of the engine: it records its runs, and hangs or fails on request."""

import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from sqlalchemy import update

from swrhook.clock import Clock, SystemClock
from swrhook.engine import CapacityLimit
from swrhook.engine.lanes import Intervals, LaneEngine
from swrhook.ledger.database import Database
from swrhook.ledger.lane_queue import Occupancy
from swrhook.ledger.lane_session import LaneSession, SessionLimits
from swrhook.ledger.lanes import Flow, release_lane, schedule_lanes
from swrhook.ledger.questions import QuestionSession
from swrhook.ledger.tables import syncs
from swrhook.model import Lane, State, Urgency
from swrhook.syncs.observations import Place, TagObservation
from tests.factories import put

PATIENCE = 20.0
THREADS = 4
NEVER = 3600.0
# Without the poll nothing but the signals makes the engine look; so none may be missed.
INTERVALS = Intervals(poll=NEVER, heartbeat=0.2, dead_after=5.0, after_error=0.05)
LIMITS = SessionLimits(syncs=10, calls_within=timedelta(minutes=1))

Engine = LaneEngine["CountedSlot"]


def soon(seconds: float = 0.0) -> datetime:
    return datetime.now(UTC) + timedelta(seconds=seconds)


@dataclass(eq=False)
class CountedSlot:
    """Room for a run, which its work counts."""

    work: "Work"
    flow: Flow

    def release(self) -> None:
        self.work.give_back(self)


class Work:
    """A LaneWork that ends the syncs of its runs.

    `answers` are, for each lane, what its next runs do instead: fail, or let its syncs be due again
    after some seconds. `room` is how many runs there may be at a time, `capacity_limits` why a
    region has none.
    """

    def __init__(self, room: int = 100) -> None:
        self.room = room
        self.runs: list[Lane] = []
        self.looks: list[Place] = []
        self.answers_to: dict[Place, list[str | Exception]] = {}
        self.sessions: list[LaneSession] = []
        self.ran_at: dict[Lane, datetime] = {}
        self.inside: list[Lane] = []
        self.most = 0  # runs at a time
        self.twice: list[Lane] = []  # lanes that ran twice at a time
        self.answers: dict[Lane, list[float | Exception]] = {}
        self.hanging: set[Lane] = set()
        self.capacity_limits: dict[str, CapacityLimit] = {}
        self.released: list[Lane] = []
        self.lingering: set[Lane] = set()  # that hang after they have released their lane
        self.after_refusal: Callable[[], object] = lambda: None
        self.elsewhere: list[Occupancy] = []
        self.shares: list[int] = []
        self._slots: list[CountedSlot] = []
        self._changed = threading.Condition(threading.RLock())

    def reserve(self, flow: Flow, elsewhere: Occupancy) -> CountedSlot | CapacityLimit:
        slot = self._reserve(flow, elsewhere)
        if isinstance(slot, CapacityLimit):
            self.after_refusal()
        return slot

    def _reserve(self, flow: Flow, elsewhere: Occupancy) -> CountedSlot | CapacityLimit:
        with self._changed:
            self.elsewhere.append(elsewhere)
            self._changed.notify_all()
            for region in (flow.source, flow.target):
                if region in self.capacity_limits:
                    return self.capacity_limits[region]
            if len(self._slots) >= self.room:
                return CapacityLimit(flow.target, "in_flight")
            slot = CountedSlot(self, flow)
            self._slots.append(slot)
            return slot

    def limits(self) -> SessionLimits:
        return LIMITS

    def run(self, session: LaneSession, slot: CountedSlot) -> datetime | None:
        del slot
        with self._inside(session):
            answers = self.answers.get(session.lane)
            answer = answers.pop(0) if answers else None
        if isinstance(answer, Exception):
            raise answer
        due_at = end_run(session, answer)
        with self._changed:
            self.released.append(session.lane)
            self._changed.notify_all()
        self.wait_for(lambda: session.lane not in self.lingering)
        return due_at

    def answer(self, question: QuestionSession, slot: CountedSlot) -> None:
        del slot
        with self._changed:
            self.looks.append(question.place)
            self._changed.notify_all()
            answers = self.answers_to.get(question.place)
            answer = answers.pop(0) if answers else "sha256:" + "a" * 64
        if isinstance(answer, Exception):
            raise answer
        question.answer(TagObservation(question.place, answer, soon()))

    def set_share(self, processes: int) -> None:
        with self._changed:
            self.shares.append(processes)
            self._changed.notify_all()

    def give_back(self, slot: CountedSlot) -> None:
        with self._changed:
            self._slots.remove(slot)
            self._changed.notify_all()

    @property
    def occupied(self) -> int:
        """Return how many slots are not given back."""
        return len(self._slots)

    @contextmanager
    def _inside(self, session: LaneSession) -> Iterator[None]:
        lane = session.lane
        with self._changed:
            if lane in self.inside:
                self.twice.append(lane)
            self.inside.append(lane)
            self.most = max(self.most, len(self.inside))
            self.runs.append(lane)
            self.sessions.append(session)
            self.ran_at[lane] = soon()
            self._changed.notify_all()
            self._changed.wait_for(lambda: lane not in self.hanging, PATIENCE)
        yield
        with self._changed:
            self.inside.remove(lane)
            self._changed.notify_all()

    def release(self, *lanes: Lane) -> None:
        """Let these lanes hang no longer, or all."""
        with self._changed:
            self.hanging -= set(lanes) or set(self.hanging)
            self.lingering -= set(lanes) or set(self.lingering)
            self._changed.notify_all()

    def wait_for(self, holds: Callable[[], bool]) -> bool:
        with self._changed:
            return self._changed.wait_for(holds, PATIENCE)

    def has_run(self, *lanes: Lane, times: int = 1) -> bool:
        return self.wait_for(lambda: all(self.runs.count(lane) >= times for lane in lanes))

    def is_idle(self) -> bool:
        """Wait until nothing runs, and every slot was given back."""
        return self.wait_for(lambda: not self.inside and not self._slots)

    @property
    def targets(self) -> Counter[str]:
        """Return how many runs each target region had."""
        return Counter(lane.target.region for lane in self.runs)


def end_run(session: LaneSession, due_again_in: float | None = None) -> datetime | None:
    """End the session's syncs, or let them be due again; and release its lane."""
    now = soon()
    due_at = None if due_again_in is None else now + timedelta(seconds=due_again_in)
    state = State.VERIFIED if due_at is None else State.PENDING
    with session.transaction() as transaction:
        of_session = syncs.c.id.in_([sync.id for sync in session.syncs])
        changed = update(syncs).where(of_session).values(state=state.value, due_at=due_at)
        transaction.connection.execute(changed)
        return transaction.release(now)


def make_engine(
    database: Database,
    work: Work,
    threads: int = THREADS,
    intervals: Intervals = INTERVALS,
    clock: Clock | None = None,
) -> Engine:
    return LaneEngine(database, work, threads, clock or SystemClock(), intervals=intervals)


@contextmanager
def running(
    database: Database,
    work: Work,
    threads: int = THREADS,
    intervals: Intervals = INTERVALS,
    clock: Clock | None = None,
) -> Iterator[Engine]:
    """Run an engine in the block; what hangs at its end hangs no longer."""
    engine = make_engine(database, work, threads, intervals, clock)
    engine.start()
    try:
        yield engine
    finally:
        work.release()
        engine.stop()


def deliver(
    database: Database,
    engine: Engine | None,
    *lanes: Lane,
    urgency: Urgency = Urgency.FRESH,
    sender: str = "harbor",
) -> None:
    """Make lanes ready, and wake the engine in the same transaction."""
    with database.write() as connection:
        schedule_lanes(connection, dict.fromkeys(lanes, sender), urgency, soon())
        if engine is not None:
            engine.wake(connection)


def deliver_sync(database: Database, engine: Engine | None, lane: Lane, tag: str = "v1") -> None:
    """Record a sync that is due now, and make its lane ready."""
    put(database, lane=lane, tag=tag, due_at=soon())
    deliver(database, engine, lane)


def postpone(database: Database, engine: Engine | None, lane: Lane, seconds: float) -> datetime:
    """Record a sync that is due in some seconds, and schedule its lane for then; return when."""
    due_at = soon(seconds)
    put(database, lane=lane, tag=f"in-{seconds}", due_at=due_at)
    with database.write() as connection:
        schedule_lanes(connection, {lane: "harbor"}, Urgency.FRESH, due_at)
        release_lane(connection, lane, soon())
        if engine is not None:
            engine.wake(connection)
    return due_at


def assert_quiet(work: Work) -> None:
    """Give what must not happen the time to happen."""
    before = list(work.runs)
    time.sleep(0.2)
    assert work.runs == before
    assert work.twice == []
