"""Admission: how much room each region has for runs, and when a flow without room may try again."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swrhook.config.model import Pace
from swrhook.engine import CapacityLimit
from swrhook.ledger.lane_queue import Occupancy
from swrhook.ledger.lanes import Flow
from swrhook.model import Urgency
from swrhook.worker.admission import BRIEF, Admission, Slot
from swrhook.worker.circuit_breaker import FAILURES_TO_OPEN, CircuitBreakers, Operation
from swrhook.worker.rate_limiter import AdaptiveRateLimiter
from tests.factories import NOW, SECOND
from tests.worker.harness import error

WIDE = Pace(per_second=10_000, in_flight=1000, in_flight_per_target=1000)
FRESH, PROOF, REPEAT, BACKFILL = Urgency
LOOK_SOURCE, LOOK_TARGET, SYNC_IMAGES = Operation


def flow(source: str = "s", target: str = "t", urgency: Urgency = FRESH) -> Flow:
    return Flow(urgency, source, target, "harbor")


class Driver:
    """An admission with a clock."""

    def __init__(self, pace: Pace = WIDE, threads: int = 1000) -> None:
        self.pace = pace
        self.rate_limiter = AdaptiveRateLimiter()
        self.breakers = CircuitBreakers()
        self.admission = Admission(self.rate_limiter, self.breakers, threads)
        self.now = NOW

    def reserve(self, wanted: Flow, elsewhere: Occupancy | None = None) -> Slot | CapacityLimit:
        return self.admission.reserve(wanted, self.pace, self.now, elsewhere)

    def admits(self, wanted: Flow, elsewhere: Occupancy | None = None) -> bool:
        return isinstance(self.reserve(wanted, elsewhere), Slot)

    def admit(self, wanted: Flow) -> Slot:
        slot = self.reserve(wanted)
        assert isinstance(slot, Slot)
        return slot

    def switch(self, slot: Slot, region: str) -> bool:
        return self.admission.switch_region(slot, region, self.pace, self.now)

    def spend(self, region: str, requests: int) -> None:
        for _ in range(requests):
            self.rate_limiter.reserve(region, self.now, self.pace.per_second)

    def open_breaker(self, region: str, operation: Operation) -> None:
        for _ in range(FAILURES_TO_OPEN):
            self.breakers.record(region, operation, self.now, error())


# Room


def test_a_target_has_a_limit_for_each_source() -> None:
    driver = Driver(replace(WIDE, in_flight_per_target=2))

    assert [driver.admits(flow()) for _ in range(3)] == [True, True, False]
    assert driver.reserve(flow()) == CapacityLimit("t", "in_flight_per_target")
    assert driver.admits(flow(target="t2"))
    assert driver.admits(flow(source="s2"))


def test_a_region_has_one_limit_as_source_and_target_together() -> None:
    driver = Driver(replace(WIDE, in_flight=2))

    assert driver.admits(flow("a", "b"))
    assert driver.admits(flow("c", "a"))
    assert driver.reserve(flow("a", "d")) == CapacityLimit("a", "in_flight", BRIEF)
    assert driver.reserve(flow("d", "a")) == CapacityLimit("a", "in_flight", BRIEF)
    assert driver.admits(flow("d", "e"))


def test_a_run_within_a_region_takes_room_once() -> None:
    driver = Driver(replace(WIDE, in_flight=2))

    assert [driver.admits(flow("a", "a")) for _ in range(3)] == [True, True, False]


def test_no_region_occupies_half_of_the_threads() -> None:
    driver = Driver(threads=9)

    assert [driver.admits(flow(target=f"t{n}")) for n in range(5)] == [True] * 4 + [False]


@pytest.mark.parametrize("threads", [1, 2])
def test_few_threads_leave_room_for_one_run(threads: int) -> None:
    driver = Driver(threads=threads)

    assert [driver.admits(flow()) for _ in range(2)] == [True, False]


def test_the_urgencies_and_senders_of_a_pair_share_its_room() -> None:
    driver = Driver(replace(WIDE, in_flight_per_target=4))

    assert [driver.admits(flow(urgency=urgency)) for urgency in Urgency] == [True] * 4
    assert not driver.admits(replace(flow(), sender="another"))


def test_a_released_slot_gives_its_room_back() -> None:
    driver = Driver(replace(WIDE, in_flight=1, in_flight_per_target=1))
    for _ in range(3):
        slot = driver.admit(flow())
        assert not driver.admits(flow())

        slot.release()


def test_a_flow_without_room_takes_none() -> None:
    driver = Driver(replace(WIDE, in_flight=1))
    slot = driver.admit(flow("s", "t"))
    assert [driver.admits(flow("free", "t")) for _ in range(5)] == [False] * 5

    slot.release()

    assert [driver.admits(flow("free", "t")) for _ in range(2)] == [True, False]


# A run occupies both regions briefly, then the one whose answer it awaits


def test_a_run_that_hangs_in_one_region_does_not_occupy_the_other() -> None:
    driver = Driver(replace(WIDE, in_flight=2))
    for _ in range(2):
        assert driver.switch(driver.admit(flow("s", "hangs")), "hangs")
    assert not driver.admits(flow("s", "t"))

    driver.now += BRIEF

    assert driver.admits(flow("s", "t"))
    assert driver.reserve(flow("s2", "hangs")) == CapacityLimit("hangs", "in_flight")


def test_a_run_between_two_requests_occupies_no_region() -> None:
    driver = Driver(replace(WIDE, in_flight=1))
    driver.admit(flow("s", "t"))
    driver.now += BRIEF

    assert driver.admits(flow("s", "t"))


def test_a_flow_may_try_again_when_the_first_run_stops_to_occupy_the_region() -> None:
    driver = Driver(replace(WIDE, in_flight=2))
    first = driver.admit(flow("s", "t"))
    driver.now += 0.25 * SECOND
    driver.admit(flow("s", "t2"))
    driver.now += 0.25 * SECOND

    assert driver.reserve(flow("s", "t3")) == CapacityLimit("s", "in_flight", 0.5 * SECOND)
    assert driver.switch(first, "s")
    assert driver.reserve(flow("s", "t3")) == CapacityLimit("s", "in_flight", 0.75 * SECOND)


def test_runs_in_other_regions_do_not_say_when_to_try_again() -> None:
    driver = Driver(replace(WIDE, in_flight=1))
    driver.switch(driver.admit(flow("s", "hangs")), "hangs")
    driver.now += BRIEF
    driver.admit(flow("a", "b"))

    assert driver.reserve(flow("s2", "hangs")) == CapacityLimit("hangs", "in_flight")


def test_a_run_that_ends_a_hang_does_not_exceed_the_limit_of_its_other_region() -> None:
    driver = Driver(replace(WIDE, in_flight=1))
    late = driver.admit(flow("s", "hangs"))
    assert driver.switch(late, "hangs")
    driver.now += BRIEF
    other = driver.admit(flow("s", "t"))

    assert not driver.switch(late, "s")
    assert not driver.admits(flow("s2", "hangs"))  # where it waits still
    other.release()
    assert driver.switch(late, "s")
    assert not driver.admits(flow("s", "t"))
    assert driver.admits(flow("s2", "hangs"))


def test_a_run_may_stay_in_a_region_that_is_full() -> None:
    driver = Driver(replace(WIDE, in_flight=1))
    slot = driver.admit(flow("s", "t"))

    assert driver.switch(slot, "s")
    driver.now += BRIEF
    assert not driver.admits(flow("s", "t2"))
    assert driver.switch(slot, "s")


def test_a_run_occupies_no_region_after_the_clock_was_set_back() -> None:
    driver = Driver(replace(WIDE, in_flight=1))
    driver.admit(flow())
    driver.now -= timedelta(hours=2)

    assert driver.admits(flow())


# Other processes


def test_runs_of_other_processes_take_room_of_a_pair() -> None:
    driver = Driver(replace(WIDE, in_flight_per_target=3))
    elsewhere = Occupancy(pairs=Counter({("s", "t"): 2}))

    assert [driver.admits(flow(), elsewhere) for _ in range(2)] == [True, False]
    assert driver.reserve(flow(), elsewhere) == CapacityLimit("t", "in_flight_per_target")
    assert driver.admits(flow("t", "s"), elsewhere)


def test_runs_of_other_processes_take_room_of_a_region() -> None:
    driver = Driver(replace(WIDE, in_flight=3))
    elsewhere = Occupancy(regions=Counter({"a": 2, "full": 3}))

    assert [driver.admits(flow("a", "b"), elsewhere) for _ in range(2)] == [True, False]
    assert driver.reserve(flow("x", "full"), elsewhere) == CapacityLimit("full", "in_flight")
    assert driver.admits(flow("c", "d"), elsewhere)


def test_the_threads_of_other_processes_are_not_ours() -> None:
    driver = Driver(threads=9)
    elsewhere = Occupancy(regions=Counter({"s": 4, "t": 4}))

    assert [driver.admits(flow(), elsewhere) for _ in range(5)] == [True] * 4 + [False]


# The rate of requests


def test_a_region_whose_requests_wait_for_more_than_a_second_gets_no_runs() -> None:
    driver = Driver(replace(WIDE, per_second=4))
    driver.spend("s", 7)
    assert driver.rate_limiter.delay("s", NOW, 4) == SECOND
    assert driver.admits(flow())
    driver.spend("s", 3)

    assert driver.reserve(flow()) == CapacityLimit("s", "pace", 0.75 * SECOND)
    assert driver.admits(flow("s2", "t"))
    driver.now += 0.75 * SECOND
    assert driver.admits(flow())


def test_the_rate_of_the_target_counts_too() -> None:
    driver = Driver(replace(WIDE, per_second=4))
    driver.spend("t", 12)

    assert driver.reserve(flow()) == CapacityLimit("t", "pace", 1.25 * SECOND)


@pytest.mark.parametrize("region", ["s", "t"])
def test_a_paused_region_gets_no_runs(region: str) -> None:
    driver = Driver()
    driver.rate_limiter.throttle(region, NOW, 20, retry_after=30.0)

    assert driver.reserve(flow()) == CapacityLimit(region, "paused", 30 * SECOND)
    assert driver.admits(flow("s2", "t2"))
    driver.now += 30 * SECOND
    assert driver.admits(flow())


# Circuit breakers

NEEDED = {
    FRESH: {("s", LOOK_SOURCE), ("s", SYNC_IMAGES)},
    PROOF: {("s", LOOK_SOURCE), ("t", LOOK_TARGET)},
    REPEAT: {("s", LOOK_SOURCE), ("s", SYNC_IMAGES)},
    BACKFILL: {("s", LOOK_SOURCE), ("s", SYNC_IMAGES)},
}


@pytest.mark.parametrize("region", ["s", "t"])
@pytest.mark.parametrize("operation", Operation)
@pytest.mark.parametrize("urgency", Urgency)
def test_an_open_breaker_leaves_no_room_for_the_flows_that_need_the_operation(
    urgency: Urgency, operation: Operation, region: str
) -> None:
    driver = Driver()
    driver.open_breaker(region, operation)

    room = driver.reserve(flow(urgency=urgency))

    if (region, operation) in NEEDED[urgency]:
        assert room == CapacityLimit(region, "breaker", 0.5 * SECOND)
    else:
        assert isinstance(room, Slot)


@pytest.mark.parametrize(("urgency", "operation"), [(FRESH, SYNC_IMAGES), (PROOF, LOOK_SOURCE)])
def test_one_run_has_room_for_the_probe_of_an_open_breaker(
    urgency: Urgency, operation: Operation
) -> None:
    driver = Driver()
    driver.open_breaker("s", operation)
    driver.now += 0.5 * SECOND

    assert driver.admits(flow(urgency=urgency))
    assert driver.reserve(flow(urgency=urgency)) == CapacityLimit("s", "breaker", 0.5 * SECOND)
    assert driver.breakers.acquire("s", operation, driver.now) is not None
    driver.breakers.record("s", operation, driver.now, None)
    assert driver.admits(flow(urgency=urgency))


def test_a_run_that_ends_without_its_probe_leaves_it_to_another() -> None:
    driver = Driver()
    driver.open_breaker("s", LOOK_SOURCE)
    driver.open_breaker("s", SYNC_IMAGES)
    driver.now += 0.5 * SECOND
    slot = driver.admit(flow())
    assert not driver.admits(flow())

    slot.release()

    assert driver.admits(flow())


def test_a_flow_without_room_takes_no_probe() -> None:
    driver = Driver(replace(WIDE, in_flight_per_target=1))
    driver.open_breaker("s", LOOK_SOURCE)
    driver.now += 0.5 * SECOND
    busy = Occupancy(pairs=Counter({("s", "t"): 1}))

    assert driver.reserve(flow("s", "t"), busy) == CapacityLimit("t", "in_flight_per_target")
    assert driver.admits(flow("s", "t2"))


# Any sequence

FLOWS = [
    flow(source, target, urgency)
    for source in ("a", "b")
    for target in ("a", "b", "c")
    for urgency in Urgency
]


@given(
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(1, 12),
    st.lists(st.tuples(st.sampled_from(FLOWS), st.integers(0, 20)), max_size=60),
)
def test_no_limit_is_exceeded_and_all_room_comes_back(
    in_flight: int, per_target: int, threads: int, steps: list[tuple[Flow, int]]
) -> None:
    pace = Pace(10_000, in_flight, per_target)
    driver = Driver(pace, threads)
    slots: list[Slot] = []

    for wanted, which in steps:
        if slots and which % 3 == 0:
            slots.pop(which % len(slots)).release()
        else:
            slot = driver.reserve(wanted)
            slots += [slot] if isinstance(slot, Slot) else []
        regions = Counter(region for slot in slots for region in {slot.source, slot.target})
        pairs = Counter((slot.source, slot.target) for slot in slots)
        assert max(regions.values(), default=0) <= max(min(in_flight, (threads - 1) // 2), 1)
        assert max(pairs.values(), default=0) <= per_target
    for slot in slots:
        slot.release()
    for wanted in FLOWS:
        driver.admit(wanted).release()
