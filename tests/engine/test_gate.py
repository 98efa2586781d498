"""The gate: so many lanes for each region at once, and none is forgotten."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from swrhook.engine.gate import Gate
from swrhook.model import Lane, Target


def lane(name: str, source: str = "s1", target: str = "t1") -> Lane:
    return Lane(source, "team", name, Target(target, "team"), override=False)


def test_a_target_has_room_for_so_many() -> None:
    gate = Gate(per_source=8, per_target=2, workers=8)

    assert [True, True, False] == [gate.enter(lane(f"r{n}")) for n in range(3)]
    assert gate.enter(lane("r3", target="t2"))


def test_a_source_has_room_for_so_many() -> None:
    gate = Gate(per_source=2, per_target=8, workers=8)

    entered = [gate.enter(lane(f"r{n}", target=f"t{n}")) for n in range(3)]

    assert [True, True, False] == entered
    assert gate.enter(lane("r3", source="s2"))


def test_caps_stay_below_the_number_of_workers() -> None:
    gate = Gate(per_source=100, per_target=100, workers=4)

    assert [True, True, True, False] == [gate.enter(lane(f"r{n}")) for n in range(4)]


def test_a_single_worker_may_work() -> None:
    assert Gate(per_source=8, per_target=4, workers=1).enter(lane("r1"))


def test_who_leaves_makes_room_for_one_that_waits() -> None:
    gate = Gate(per_source=8, per_target=1, workers=8)
    assert gate.enter(lane("r1"))
    assert not gate.enter(lane("r2"))
    assert not gate.enter(lane("r3"))

    assert [lane("r2")] == gate.leave(lane("r1"))
    assert gate.enter(lane("r2"))
    assert [lane("r3")] == gate.leave(lane("r2"))


def test_other_caps_count_from_then_on_and_let_all_try_that_wait() -> None:
    gate = Gate(per_source=8, per_target=1, workers=8)
    entered = [gate.enter(lane(f"r{n}")) for n in range(4)]
    waiting = gate.resize(per_source=8, per_target=3)

    assert [True, False, False, False] == entered
    assert [lane("r1"), lane("r2"), lane("r3")] == waiting
    assert [True, True, False] == [gate.enter(each) for each in waiting]


def test_smaller_caps_let_nobody_in_until_enough_have_left() -> None:
    gate = Gate(per_source=8, per_target=3, workers=8)
    for number in range(3):
        gate.enter(lane(f"r{number}"))
    gate.resize(per_source=8, per_target=1)
    gate.leave(lane("r0"))
    gate.leave(lane("r1"))
    while_full = gate.enter(lane("r3"))
    freed = gate.leave(lane("r2"))

    assert not while_full
    assert [lane("r3")] == freed


LANES = [lane(f"{s}{t}{n}", s, t) for s in ("s1", "s2") for t in ("t1", "t2", "t3") for n in "ab"]


class Crowd:
    """Lanes inside and lanes that wait, as an engine would have them."""

    def __init__(self, gate: Gate) -> None:
        self.gate = gate
        self.inside: list[Lane] = []
        self.waiting: set[Lane] = set()

    def arrive(self, each: Lane) -> None:
        if each in self.inside:
            return
        if self.gate.enter(each):
            self.inside.append(each)
            self.waiting.discard(each)
        else:
            self.waiting.add(each)

    def depart(self, which: int) -> None:
        for freed in self.gate.leave(self.inside.pop(which % len(self.inside))):
            self.arrive(freed)


@given(
    st.integers(1, 4),
    st.integers(1, 4),
    st.integers(1, 6),
    st.lists(st.tuples(st.sampled_from(LANES), st.integers(0, 20)), max_size=60),
)
def test_no_cap_is_exceeded_and_whoever_waits_enters_in_the_end(
    per_source: int, per_target: int, workers: int, steps: list[tuple[Lane, int]]
) -> None:
    crowd = Crowd(Gate(per_source, per_target, workers))

    for each, which in steps:
        if crowd.inside and which % 3 == 0:
            crowd.depart(which)
        else:
            crowd.arrive(each)
        sources = Counter(each.source_region for each in crowd.inside)
        targets = Counter(each.target.region for each in crowd.inside)
        assert max(sources.values(), default=0) <= per_source
        assert max(targets.values(), default=0) <= per_target
    while crowd.inside:
        crowd.depart(0)

    assert set() == crowd.waiting
