"""The admission: so many runs for each region at once, in turn, and none is forgotten."""

from collections import Counter
from dataclasses import replace
from datetime import datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from swrhook.config.model import Pace
from swrhook.model import Lane, State, Sync, Target
from swrhook.worker.admission import Admission, PutOff, Stay, Urgency, urgency
from swrhook.worker.rate_limiter import Pacer
from tests.ledger.parts import LANE, NOW, SECOND

WIDE = Pace(per_second=10_000, in_flight=1000, in_flight_per_target=1000)
FRESH, PROOF, BACKFILL = Urgency.FRESH, Urgency.PROOF, Urgency.BACKFILL


def lane(name: str, source: str = "s1", target: str = "t1") -> Lane:
    return Lane(source, "team", name, Target(target, "team"), override=False)


class Door:
    """An admission, with what it was asked and whom it told."""

    def __init__(self, pace: Pace = WIDE, workers: int = 1000, *, alone: bool = True) -> None:
        self.pace = pace
        self.hurried: list[Lane] = []
        self.pacer = Pacer()
        self.admission = Admission(self.pacer, workers, self.hurried.append, alone=alone)
        self.now = NOW

    def ask(self, each: Lane, urgency: Urgency = FRESH) -> Stay | PutOff:
        return self.admission.enter(each, urgency, self.pace, self.now)

    def lets_in(self, each: Lane, urgency: Urgency = FRESH) -> bool:
        return isinstance(self.ask(each, urgency), Stay)

    def enter(self, each: Lane, urgency: Urgency = FRESH) -> Stay:
        entered = self.ask(each, urgency)
        assert isinstance(entered, Stay)
        return entered

    def refuse(self, each: Lane, urgency: Urgency = FRESH) -> PutOff:
        entered = self.ask(each, urgency)
        assert isinstance(entered, PutOff)
        return entered

    def spend(self, region: str, requests: int) -> None:
        for _ in range(requests):
            self.pacer.count(region, self.now, self.pace.per_second)


# Room


def test_a_target_has_room_for_so_many_of_each_source() -> None:
    door = Door(replace(WIDE, in_flight_per_target=2))

    assert [door.lets_in(lane(f"r{n}")) for n in range(3)] == [True, True, False]
    assert door.refuse(lane("r2")).reason == "in_flight_per_target"
    assert door.lets_in(lane("r3", target="t2"))
    assert door.lets_in(lane("r4", source="s2"))


def test_a_region_has_room_for_so_many_in_any_role() -> None:
    door = Door(replace(WIDE, in_flight=2))

    assert door.lets_in(lane("r1", "a", "b"))
    assert door.lets_in(lane("r2", "c", "a"))
    assert door.refuse(lane("r3", "a", "d")).region == "a"
    assert door.refuse(lane("r4", "d", "a")).region == "a"
    assert door.lets_in(lane("r5", "d", "e"))


def test_no_region_takes_half_of_the_workers() -> None:
    door = Door(workers=9)

    entered = [door.lets_in(lane(f"r{n}", target=f"t{n}")) for n in range(5)]

    assert entered == [True] * 4 + [False]


def test_a_single_worker_may_work() -> None:
    assert Door(workers=1).lets_in(lane("r1"))


def test_what_hangs_in_one_region_takes_no_room_in_the_other() -> None:
    door = Door(replace(WIDE, in_flight=2))
    for name in ("r1", "r2"):
        stay = door.enter(lane(name, "s", "hangs"))
        assert door.admission.go(stay, "hangs", door.now) is None
    assert not door.lets_in(lane("r3", "s", "t"))

    door.now += SECOND

    assert door.lets_in(lane("r3", "s", "t"))
    assert not door.lets_in(lane("r4", "s2", "hangs"))


def test_what_comes_back_from_a_hang_finds_no_room_that_others_have_taken() -> None:
    door = Door(replace(WIDE, in_flight=1))
    late = door.enter(lane("r1", "s", "hangs"))
    assert door.admission.go(late, "hangs", door.now) is None
    door.now += SECOND
    door.enter(lane("r2", "s", "t"))

    assert PutOff(door.now + 0.5 * SECOND, "s", "in_flight") == door.admission.go(
        late, "s", door.now
    )


def test_a_clock_that_was_set_back_keeps_no_room() -> None:
    door = Door(replace(WIDE, in_flight=1))
    door.enter(lane("r1"))
    door.now -= timedelta(hours=2)

    assert door.lets_in(lane("r2"))


# Turns


def test_who_leaves_makes_room_for_who_came_first() -> None:
    door = Door(replace(WIDE, in_flight_per_target=1))
    stay = door.enter(lane("r1"))
    door.refuse(lane("r2"))
    door.refuse(lane("r3"))

    door.admission.leave(stay)

    assert [lane("r2")] == door.hurried
    assert not door.lets_in(lane("r3"))
    assert door.lets_in(lane("r2"))


def test_who_was_in_goes_to_the_end() -> None:
    door = Door(replace(WIDE, in_flight_per_target=1))
    turns = []
    stay = door.enter(lane("many"))
    for other in ("r1", "r2"):
        door.refuse(lane(other))
    for _ in range(4):
        door.admission.leave(stay)
        door.refuse(stay.lane) if door.hurried else None
        stay = door.enter(door.hurried[-1])
        turns.append(stay.lane.repository)

    assert turns == ["r1", "r2", "many", "r1"]


def test_who_waits_as_fresh_is_put_off_without_saying_how_urgent_it_is() -> None:
    door = Door(replace(WIDE, in_flight_per_target=1))
    first, fresh, proof = (lane(name) for name in ("r1", "r2", "r3"))
    stay = door.enter(first)
    assert door.admission.waits(fresh, door.pace, door.now) is None  # nobody knows it yet
    door.refuse(fresh)
    door.refuse(proof, PROOF)

    waits = door.admission.waits(fresh, door.pace, door.now)
    assert waits == door.refuse(fresh)
    # A push may have made it more urgent meanwhile.
    assert door.admission.waits(proof, door.pace, door.now) is None
    door.admission.leave(stay)
    assert door.admission.waits(fresh, door.pace, door.now) is None
    assert [door.lets_in(proof, PROOF), door.lets_in(fresh)] == [False, True]


def test_fresh_calls_go_first_and_backfill_last() -> None:
    door = Door(replace(WIDE, in_flight_per_target=1))
    stay = door.enter(lane("r1"))
    for name, urgent in (("old", BACKFILL), ("proof", PROOF), ("fresh", FRESH)):
        door.refuse(lane(name), urgent)

    turns = []
    for urgent in (FRESH, PROOF, BACKFILL):
        door.admission.leave(stay)
        stay = door.enter(door.hurried[-1], urgent)
        turns.append(stay.lane.repository)

    assert turns == ["fresh", "proof", "old"]


def test_a_lane_that_never_comes_back_loses_its_place() -> None:
    door = Door(replace(WIDE, in_flight_per_target=1))
    stay = door.enter(lane("r1"))
    door.refuse(lane("cancelled"))
    door.refuse(lane("r2"))
    door.admission.leave(stay)
    assert not door.lets_in(lane("r2"))

    door.now += 6 * SECOND

    assert door.lets_in(lane("r2"))


def test_those_that_wait_ask_again_the_later_the_more_go_first() -> None:
    door = Door(replace(WIDE, in_flight_per_target=1))
    door.enter(lane("r1"))

    waits = [(door.refuse(lane(f"w{n}")).until - NOW).total_seconds() for n in range(200)]

    assert sorted(waits) == waits
    assert (waits[0], waits[-1]) == (0.5, 15.0)


# Pace


def test_an_empty_bucket_puts_off_one_after_the_other() -> None:
    door = Door(replace(WIDE, per_second=4))
    door.spend("s1", 4)

    waits = [door.refuse(lane(f"r{n}")).until - NOW for n in range(3)]

    assert [wait.total_seconds() for wait in waits] == [0.25, 0.5, 0.75]
    assert door.refuse(lane("r3")).reason == "pace"


def test_the_target_has_a_bucket_too() -> None:
    door = Door(replace(WIDE, per_second=4))
    door.spend("t1", 4)

    assert door.refuse(lane("r1")).region == "t1"


def test_looks_leave_a_part_of_the_bucket_to_fresh_calls() -> None:
    door = Door(replace(WIDE, per_second=20))
    door.spend("s1", 16)

    assert not door.lets_in(lane("r1", target="t1"), PROOF)
    assert not door.lets_in(lane("r2", target="t2"), BACKFILL)
    assert door.lets_in(lane("r3", target="t3"), FRESH)


def test_an_endpoint_that_asks_for_a_pause_gets_it() -> None:
    door = Door()
    door.pacer.slow_down("s1", NOW, 20, retry_after=30.0)

    assert PutOff(NOW + 30 * SECOND, "s1", "paused") == door.ask(lane("r1"))
    assert door.lets_in(lane("r2", source="s2"))


# How urgent a run is


def sync(*, state: State = State.PENDING, backfill: bool = False) -> Sync:
    return Sync(
        "1", None, "ci", LANE, "v1", None, "all", state, 0, NOW, NOW, NOW, backfill=backfill
    )


def test_a_run_is_as_urgent_as_its_most_urgent_sync() -> None:
    old, proof = sync(backfill=True), sync(state=State.TRIGGERED)

    assert BACKFILL is urgency([old, old])
    assert PROOF is urgency([old, proof])
    assert FRESH is urgency([old, proof, sync()])


# Whatever comes


LANES = [lane(f"{s}{t}{n}", s, t) for s in ("s1", "s2") for t in ("t1", "s1", "s2") for n in "ab"]


class Crowd:
    """Lanes inside and lanes that wait, as an engine would have them."""

    def __init__(self, door: Door) -> None:
        self.door = door
        self.inside: dict[Lane, Stay] = {}
        self.waiting: dict[Lane, datetime] = {}

    def arrive(self, each: Lane, urgent: Urgency) -> None:
        if each in self.inside:
            return
        entered = self.door.ask(each, urgent)
        self.waiting.pop(each, None)
        if isinstance(entered, Stay):
            self.inside[each] = entered
        else:
            self.waiting[each] = entered.until

    def depart(self, which: int) -> None:
        self.door.admission.leave(self.inside.pop(list(self.inside)[which % len(self.inside)]))


@given(
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(1, 12),
    st.lists(
        st.tuples(st.sampled_from(LANES), st.integers(0, 20), st.sampled_from(Urgency)),
        max_size=60,
    ),
)
def test_no_cap_is_exceeded_and_whoever_waits_enters_in_the_end(
    in_flight: int, per_target: int, workers: int, steps: list[tuple[Lane, int, Urgency]]
) -> None:
    crowd = Crowd(Door(Pace(10_000, in_flight, per_target), workers))

    for each, which, urgent in steps:
        if crowd.inside and which % 3 == 0:
            crowd.depart(which)
        else:
            crowd.arrive(each, urgent)
        regions = Counter(
            region for e in crowd.inside for region in {e.source_region, e.target.region}
        )
        pairs = Counter((e.source_region, e.target.region) for e in crowd.inside)
        assert max(regions.values(), default=0) <= max(min(in_flight, (workers - 1) // 2), 1)
        assert max(pairs.values(), default=0) <= per_target
    while crowd.inside or crowd.waiting:
        if crowd.inside:
            crowd.depart(0)
        for each, at in sorted(crowd.waiting.items(), key=lambda pair: pair[1]):
            crowd.door.now = max(crowd.door.now, at)
            crowd.arrive(each, PROOF)

    assert crowd.waiting == {}


# Beside other processes


def test_a_lane_that_waits_here_and_went_elsewhere_holds_up_nobody() -> None:
    door = Door(replace(WIDE, in_flight=1), alone=False)
    inside = door.enter(lane("first"))
    door.refuse(lane("gone"))
    door.refuse(lane("here"))

    door.admission.leave(inside)

    assert [lane("gone")] == door.hurried  # which another process may let in
    assert door.lets_in(lane("here"))


def test_backfill_lets_fresh_pushes_go_first_beside_other_processes_too() -> None:
    door = Door(replace(WIDE, in_flight=1), alone=False)
    inside = door.enter(lane("first"))
    door.refuse(lane("older"), BACKFILL)
    door.refuse(lane("fresh"))

    door.admission.leave(inside)

    assert [lane("fresh")] == door.hurried
