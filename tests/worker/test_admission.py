"""Admission: limits for each region, in order of urgency and arrival, and no lane starves."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from swrhook.config.model import Pace
from swrhook.model import Lane, State, Sync, Target
from swrhook.worker.admission import Admission, Postponed, Slot, Urgency, urgency_of
from swrhook.worker.rate_limiter import AdaptiveRateLimiter
from tests.factories import LANE, NOW, SECOND

WIDE = Pace(per_second=10_000, in_flight=1000, in_flight_per_target=1000)
FRESH, VERIFY, BACKFILL = Urgency.FRESH, Urgency.VERIFY, Urgency.BACKFILL


def make_lane(name: str, source: str = "s1", target: str = "t1") -> Lane:
    return Lane(source, "team", name, Target(target, "team"), override=False)


class Driver:
    """An admission with a clock, and the lanes that it woke."""

    def __init__(
        self, pace: Pace = WIDE, workers: int = 1000, *, is_single_process: bool = True
    ) -> None:
        self.pace = pace
        self.woken: list[Lane] = []
        self.rate_limiter = AdaptiveRateLimiter()
        self.admission = Admission(
            self.rate_limiter, workers, self.woken.append, is_single_process=is_single_process
        )
        self.now = NOW

    def acquire(self, lane: Lane, urgency: Urgency = FRESH) -> Slot | Postponed:
        return self.admission.acquire(lane, urgency, self.pace, self.now)

    def admits(self, lane: Lane, urgency: Urgency = FRESH) -> bool:
        return isinstance(self.acquire(lane, urgency), Slot)

    def admit(self, lane: Lane, urgency: Urgency = FRESH) -> Slot:
        result = self.acquire(lane, urgency)
        assert isinstance(result, Slot)
        return result

    def postpone(self, lane: Lane, urgency: Urgency = FRESH) -> Postponed:
        result = self.acquire(lane, urgency)
        assert isinstance(result, Postponed)
        return result

    def spend(self, region: str, requests: int) -> None:
        for _ in range(requests):
            self.rate_limiter.consume(region, self.now, self.pace.per_second)


# Capacity


def test_a_target_has_a_limit_for_each_source() -> None:
    driver = Driver(replace(WIDE, in_flight_per_target=2))

    assert [driver.admits(make_lane(f"r{n}")) for n in range(3)] == [True, True, False]
    assert driver.postpone(make_lane("r2")).reason == "in_flight_per_target"
    assert driver.admits(make_lane("r3", target="t2"))
    assert driver.admits(make_lane("r4", source="s2"))


def test_a_region_has_one_limit_as_source_and_target_together() -> None:
    driver = Driver(replace(WIDE, in_flight=2))

    assert driver.admits(make_lane("r1", "a", "b"))
    assert driver.admits(make_lane("r2", "c", "a"))
    assert driver.postpone(make_lane("r3", "a", "d")).region == "a"
    assert driver.postpone(make_lane("r4", "d", "a")).region == "a"
    assert driver.admits(make_lane("r5", "d", "e"))


def test_no_region_occupies_half_of_the_workers() -> None:
    driver = Driver(workers=9)

    result = [driver.admits(make_lane(f"r{n}", target=f"t{n}")) for n in range(5)]

    assert result == [True] * 4 + [False]


def test_a_single_worker_is_not_limited_to_zero_runs() -> None:
    assert Driver(workers=1).admits(make_lane("r1"))


def test_a_run_that_hangs_in_one_region_does_not_occupy_the_other() -> None:
    driver = Driver(replace(WIDE, in_flight=2))
    for name in ("r1", "r2"):
        slot = driver.admit(make_lane(name, "s", "hangs"))
        assert driver.admission.switch_region(slot, "hangs", driver.now) is None
    assert not driver.admits(make_lane("r3", "s", "t"))

    driver.now += SECOND

    assert driver.admits(make_lane("r3", "s", "t"))
    assert not driver.admits(make_lane("r4", "s2", "hangs"))


def test_a_run_that_ends_a_hang_does_not_exceed_the_limit_of_its_other_region() -> None:
    driver = Driver(replace(WIDE, in_flight=1))
    late = driver.admit(make_lane("r1", "s", "hangs"))
    assert driver.admission.switch_region(late, "hangs", driver.now) is None
    driver.now += SECOND
    driver.admit(make_lane("r2", "s", "t"))

    postponed = driver.admission.switch_region(late, "s", driver.now)
    assert postponed == Postponed(driver.now + 0.5 * SECOND, "s", "in_flight")


def test_a_run_occupies_no_region_after_the_clock_was_set_back() -> None:
    driver = Driver(replace(WIDE, in_flight=1))
    driver.admit(make_lane("r1"))
    driver.now -= timedelta(hours=2)

    assert driver.admits(make_lane("r2"))


# Order


def test_a_released_slot_goes_to_the_lane_that_came_first() -> None:
    driver = Driver(replace(WIDE, in_flight_per_target=1))
    slot = driver.admit(make_lane("r1"))
    driver.postpone(make_lane("r2"))
    driver.postpone(make_lane("r3"))

    driver.admission.release(slot)

    assert driver.woken == [make_lane("r2")]
    assert not driver.admits(make_lane("r3"))
    assert driver.admits(make_lane("r2"))


def test_a_lane_that_has_run_queues_at_the_end() -> None:
    driver = Driver(replace(WIDE, in_flight_per_target=1))
    turns = []
    slot = driver.admit(make_lane("many"))
    for other in ("r1", "r2"):
        driver.postpone(make_lane(other))
    for _ in range(4):
        driver.admission.release(slot)
        driver.postpone(slot.lane) if driver.woken else None
        slot = driver.admit(driver.woken[-1])
        turns.append(slot.lane.repository)

    assert turns == ["r1", "r2", "many", "r1"]


def test_a_queued_fresh_lane_is_postponed_before_its_syncs_are_read() -> None:
    driver = Driver(replace(WIDE, in_flight_per_target=1))
    first, fresh, verify = (make_lane(name) for name in ("r1", "r2", "r3"))
    slot = driver.admit(first)
    assert driver.admission.would_wait(fresh, driver.pace, driver.now) is None  # not queued yet
    driver.postpone(fresh)
    driver.postpone(verify, VERIFY)

    waits = driver.admission.would_wait(fresh, driver.pace, driver.now)
    assert waits == driver.postpone(fresh)
    # A push may have made it more urgent meanwhile.
    assert driver.admission.would_wait(verify, driver.pace, driver.now) is None
    driver.admission.release(slot)
    assert driver.admission.would_wait(fresh, driver.pace, driver.now) is None
    assert [driver.admits(verify, VERIFY), driver.admits(fresh)] == [False, True]


def test_fresh_pushes_go_first_and_backfills_last() -> None:
    driver = Driver(replace(WIDE, in_flight_per_target=1))
    slot = driver.admit(make_lane("r1"))
    for name, urgency in (("backfill", BACKFILL), ("verify", VERIFY), ("fresh", FRESH)):
        driver.postpone(make_lane(name), urgency)

    turns = []
    for urgency in (FRESH, VERIFY, BACKFILL):
        driver.admission.release(slot)
        slot = driver.admit(driver.woken[-1], urgency)
        turns.append(slot.lane.repository)

    assert turns == ["fresh", "verify", "backfill"]


def test_a_lane_that_does_not_try_again_leaves_the_queue() -> None:
    driver = Driver(replace(WIDE, in_flight_per_target=1))
    slot = driver.admit(make_lane("r1"))
    driver.postpone(make_lane("cancelled"))
    driver.postpone(make_lane("r2"))
    driver.admission.release(slot)
    assert not driver.admits(make_lane("r2"))

    driver.now += 6 * SECOND

    assert driver.admits(make_lane("r2"))


def test_waits_grow_with_the_number_of_lanes_ahead() -> None:
    driver = Driver(replace(WIDE, in_flight_per_target=1))
    driver.admit(make_lane("r1"))

    waits = [(driver.postpone(make_lane(f"w{n}")).until - NOW).total_seconds() for n in range(200)]

    assert waits == sorted(waits)
    assert (waits[0], waits[-1]) == (0.5, 15.0)


# Rate limit


def test_an_empty_bucket_postpones_lanes_one_after_the_other() -> None:
    driver = Driver(replace(WIDE, per_second=4))
    driver.spend("s1", 4)

    waits = [driver.postpone(make_lane(f"r{n}")).until - NOW for n in range(3)]

    assert [wait.total_seconds() for wait in waits] == [0.25, 0.5, 0.75]
    assert driver.postpone(make_lane("r3")).reason == "pace"


def test_the_target_has_a_rate_limit_too() -> None:
    driver = Driver(replace(WIDE, per_second=4))
    driver.spend("t1", 4)

    assert driver.postpone(make_lane("r1")).region == "t1"


def test_a_part_of_the_bucket_is_reserved_for_fresh_pushes() -> None:
    driver = Driver(replace(WIDE, per_second=20))
    driver.spend("s1", 16)

    assert not driver.admits(make_lane("r1", target="t1"), VERIFY)
    assert not driver.admits(make_lane("r2", target="t2"), BACKFILL)
    assert driver.admits(make_lane("r3", target="t3"), FRESH)


def test_a_paused_endpoint_postpones_its_lanes() -> None:
    driver = Driver()
    driver.rate_limiter.throttle("s1", NOW, 20, retry_after=30.0)

    assert driver.acquire(make_lane("r1")) == Postponed(NOW + 30 * SECOND, "s1", "paused")
    assert driver.admits(make_lane("r2", source="s2"))


# Urgency


def sync(*, state: State = State.PENDING, backfill: bool = False) -> Sync:
    return Sync(
        "1", None, "ci", LANE, "v1", None, "all", state, 0, NOW, NOW, NOW, backfill=backfill
    )


def test_a_run_is_as_urgent_as_its_most_urgent_sync() -> None:
    backfill, verify = sync(backfill=True), sync(state=State.TRIGGERED)

    assert urgency_of([backfill, backfill]) is BACKFILL
    assert urgency_of([backfill, verify]) is VERIFY
    assert urgency_of([backfill, verify, sync()]) is FRESH


# Any sequence


LANES = [
    make_lane(f"{s}{t}{n}", s, t) for s in ("s1", "s2") for t in ("t1", "s1", "s2") for n in "ab"
]


class Lanes:
    """Admitted and waiting lanes, as an engine would have them."""

    def __init__(self, driver: Driver) -> None:
        self.driver = driver
        self.inside: dict[Lane, Slot] = {}
        self.waiting: dict[Lane, datetime] = {}

    def arrive(self, lane: Lane, urgency: Urgency) -> None:
        if lane in self.inside:
            return
        result = self.driver.acquire(lane, urgency)
        self.waiting.pop(lane, None)
        if isinstance(result, Slot):
            self.inside[lane] = result
        else:
            self.waiting[lane] = result.until

    def depart(self, which: int) -> None:
        self.driver.admission.release(self.inside.pop(list(self.inside)[which % len(self.inside)]))


@given(
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(1, 12),
    st.lists(
        st.tuples(st.sampled_from(LANES), st.integers(0, 20), st.sampled_from(Urgency)),
        max_size=60,
    ),
)
def test_no_limit_is_exceeded_and_every_lane_is_admitted_in_the_end(
    in_flight: int, per_target: int, workers: int, steps: list[tuple[Lane, int, Urgency]]
) -> None:
    lanes = Lanes(Driver(Pace(10_000, in_flight, per_target), workers))

    for lane, which, urgency in steps:
        if lanes.inside and which % 3 == 0:
            lanes.depart(which)
        else:
            lanes.arrive(lane, urgency)
        regions = Counter(
            region for e in lanes.inside for region in {e.source_region, e.target.region}
        )
        pairs = Counter((e.source_region, e.target.region) for e in lanes.inside)
        assert max(regions.values(), default=0) <= max(min(in_flight, (workers - 1) // 2), 1)
        assert max(pairs.values(), default=0) <= per_target
    while lanes.inside or lanes.waiting:
        if lanes.inside:
            lanes.depart(0)
        for lane, at in sorted(lanes.waiting.items(), key=lambda pair: pair[1]):
            lanes.driver.now = max(lanes.driver.now, at)
            lanes.arrive(lane, VERIFY)

    assert lanes.waiting == {}


# With other processes


def test_a_lane_that_another_process_admitted_blocks_no_other() -> None:
    driver = Driver(replace(WIDE, in_flight=1), is_single_process=False)
    inside = driver.admit(make_lane("first"))
    driver.postpone(make_lane("gone"))
    driver.postpone(make_lane("here"))

    driver.admission.release(inside)

    assert driver.woken == [make_lane("gone")]  # another process may admit it
    assert driver.admits(make_lane("here"))


def test_backfills_go_last_with_other_processes_too() -> None:
    driver = Driver(replace(WIDE, in_flight=1), is_single_process=False)
    inside = driver.admit(make_lane("first"))
    driver.postpone(make_lane("older"), BACKFILL)
    driver.postpone(make_lane("fresh"))

    driver.admission.release(inside)

    assert driver.woken == [make_lane("fresh")]
