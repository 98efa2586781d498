"""The worker under a real engine: hanging regions and large lanes delay no others."""

import threading
from collections.abc import Callable, Iterator, Sequence
from datetime import UTC, datetime
from random import Random

import pytest

from swrhook import simulator
from swrhook.clock import SystemClock
from swrhook.config.model import Pace, Timeouts
from swrhook.engine import CapacityLimit
from swrhook.engine.lanes import LaneEngine
from swrhook.ledger.bulk_insert import insert_rows
from swrhook.ledger.database import Database
from swrhook.ledger.deduplication import Batch, add_sync
from swrhook.ledger.deliveries import INSERT_SYNC, Recording
from swrhook.ledger.lane_queue import Occupancy
from swrhook.ledger.lane_session import LaneSession, SessionLimits
from swrhook.ledger.lanes import Flow, schedule_lanes
from swrhook.ledger.questions import QuestionSession
from swrhook.metrics import Metrics
from swrhook.model import Lane, PlannedSync, Push, State, Sync, Target, Urgency
from swrhook.simulator.model import Fault
from swrhook.swr.client import SwrClient
from swrhook.swr.http import Network
from swrhook.syncs.decisions import Decision
from swrhook.worker.admission import Admission, Slot
from swrhook.worker.circuit_breaker import CircuitBreakers
from swrhook.worker.gateway import SwrGateway
from swrhook.worker.lane_runner import LaneRunner
from swrhook.worker.place_looker import PlaceLooker
from swrhook.worker.rate_limiter import AdaptiveRateLimiter
from swrhook.worker.target_cache import TargetCache
from tests.swr.clients import DEMO, MemoryOfRefused, swr
from tests.worker.harness import config

SOURCE, A, B, C = REGIONS = ("cn-north-4", "cn-east-3", "ap-southeast-1", "cn-south-1")
PATIENCE = 60.0
HANGS = 600.0


def now() -> datetime:
    return datetime.now(UTC)


def make_lane(repository: str, target: str = C, source: str = SOURCE) -> Lane:
    return Lane(source, "group", repository, Target(target, "group"), override=False)


class Work:
    """The engine's LaneWork with one runner."""

    def __init__(self, runner: LaneRunner) -> None:
        self._runner = runner

    def reserve(self, flow: Flow, elsewhere: Occupancy) -> Slot | CapacityLimit:
        return self._runner.gateway.reserve(flow, elsewhere)

    def limits(self) -> SessionLimits:
        return self._runner.limits()

    def run(self, session: LaneSession, slot: Slot) -> datetime | None:
        return self._runner.run(session, slot)

    def answer(self, question: QuestionSession, slot: Slot) -> None:
        runner = self._runner
        PlaceLooker(runner.gateway, runner.clock).answer(question, slot)

    def set_share(self, processes: int) -> None:
        assert processes == 1


class Running:
    """Simulated regions and a ledger, with an engine to be started."""

    def __init__(self, database: Database) -> None:
        self.database = database
        self.regions = simulator.start(REGIONS, delay=0)
        self.ended: list[tuple[Lane, State]] = []
        self._changed = threading.Condition()
        self._stop: list[Callable[[], None]] = []

    def add(
        self, lane: Lane, *tags: str, urgency: Urgency = Urgency.FRESH, sender: str = "harbor"
    ) -> None:
        """Record syncs; those of a sender other than `absent` are in the source region."""
        for tag in tags:
            if sender != "absent":
                self.regions.state.seed(lane.source_region, "group", lane.repository, tag)
        pushes = [
            Push(sender, lane.source_region, lane.namespace, lane.repository, tag) for tag in tags
        ]
        batch = Batch({}, {})
        for push in pushes:
            planned = PlannedSync(push, lane.target, lane.override, "all")
            add_sync(batch, planned, "0123456789ab", now(), backfill=urgency is Urgency.BACKFILL)
        with self.database.write() as connection:
            insert_rows(connection, INSERT_SYNC, list(batch.syncs.values()))
            schedule_lanes(connection, batch.lanes, urgency, now())

    def start(self, workers: int = 20, *, in_flight: int = 8, batch: int = 100) -> None:
        timeouts = Timeouts(connect=5.0, read=HANGS)
        client = SwrClient(
            swr(self.regions.endpoints, DEMO, self.regions.iam_url),
            Network(timeouts, pool_size=workers + 1),
            MemoryOfRefused(),
            SystemClock(),
        )
        pace = Pace(per_second=1000, in_flight=in_flight)
        configuration = config(*REGIONS, batch=batch, pace=pace)
        breakers = CircuitBreakers()
        gateway = SwrGateway(
            configuration,
            client,
            Admission(AdaptiveRateLimiter(), breakers, workers),
            breakers,
            TargetCache(),
            Metrics(),
            SystemClock(),
        )
        runner = LaneRunner(self.database, gateway, self, SystemClock(), Random(0))
        engine = LaneEngine(self.database, Work(runner), workers, SystemClock())
        engine.start()
        self._stop = [engine.stop, client.close]

    def stop(self) -> None:
        self.regions.close()  # this also ends the requests that hang
        for stop in self._stop:
            stop()

    def has_ended(self, lanes: Sequence[Lane]) -> bool:
        with self._changed:
            return self._changed.wait_for(
                lambda: set(lanes) <= {lane for lane, _ in self.ended}, PATIENCE
            )

    def called(self) -> list[str]:
        """Return the repositories in the order of their calls."""
        calls = self.regions.state.calls(operation="sync_images")
        return [call.path.split("/")[6] for call in calls]

    def sync(self, sync: Sync, state: State, decision: Decision, now: datetime) -> None:
        del decision, now
        with self._changed:
            if state is State.VERIFIED:
                self.ended.append((sync.lane, state))
            self._changed.notify_all()

    def deliveries(self, recording: Recording, now: datetime) -> None:
        del recording, now
        raise AssertionError("a lane records no delivery")


@pytest.fixture
def running(database: Database) -> Iterator[Running]:
    running = Running(database)
    yield running
    running.stop()


def test_two_regions_that_hang_do_not_delay_a_third(running: Running) -> None:
    running.regions.state.faults.add(
        [Fault(region, delay=HANGS) for region in (A, B)]  # whatever they are asked
    )
    for number in range(10):
        for target in (A, B):
            running.add(make_lane(f"hangs{number}", target), "v1")
        running.add(make_lane(f"back{number}", SOURCE, A), "v1")
        running.add(make_lane(f"across{number}", B, A), "v1")
    sound = [make_lane(f"sound{number}") for number in range(10)]
    for lane in sound:
        running.add(lane, "v1")

    running.start()

    assert running.has_ended(sound)
    hanging = [call for region in (A, B) for call in running.regions.state.calls(region=region)]
    assert {call.region for call in hanging} == {A, B}
    assert {call.status for call in hanging} == {None}  # none has been answered meanwhile


def test_a_repository_with_many_tags_does_not_delay_another_with_one(running: Running) -> None:
    many, one = make_lane("many"), make_lane("one")
    running.add(many, *(f"v{number}" for number in range(100)))
    running.add(one, "v1")

    running.start(workers=4, in_flight=1, batch=10)

    assert running.has_ended([many, one])
    assert running.called().index("one") <= 2


def test_a_fresh_push_goes_before_backfill(running: Running) -> None:
    # Calls take a while, so that all the other lanes have queued meanwhile.
    running.regions.state.faults.add([Fault(SOURCE, "sync_images", delay=0.5)])
    old = [make_lane(f"old{number}") for number in range(8)]
    for lane in old:
        running.add(lane, "v1", urgency=Urgency.BACKFILL)
    fresh = make_lane("fresh")
    running.add(fresh, "v1")

    running.start(workers=4, in_flight=1)

    assert running.has_ended([*old, fresh])
    assert running.called().index("fresh") <= 2


def test_tags_that_are_missing_do_not_delay_another_sender(running: Running) -> None:
    """Their first looks take turns with the push; after that they are less urgent."""
    for number in range(400):
        running.add(make_lane(f"absent{number}"), "v1", sender="absent")
    lone = make_lane("lone")
    running.add(lone, "v1")

    running.start(workers=4, in_flight=1)

    assert running.has_ended([lone])
    looks = [call.path.split("/")[6] for call in running.regions.state.calls(region=SOURCE)]
    assert looks.index("lone") <= 2
