"""The policy of the queue: shares by urgency, equal turns of senders, organizations in rotation."""

import math
import pickle
from collections import Counter
from collections.abc import Collection, Sequence
from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swrhook.engine.fair_queue import WEIGHTS, FairQueue, Turns
from swrhook.ledger.lanes import Flow
from swrhook.model import Urgency

SENDERS = ("a", "b", "c")
PAIRS = (("north", "east"), ("north", "south"))
FRESH = Flow(Urgency.FRESH, "north", "east", "a")
TOTAL = sum(WEIGHTS.values())
FLOWS = [
    Flow(urgency, *pair, sender) for pair in PAIRS for urgency in Urgency for sender in SENDERS
]

flows_in_any_order = st.lists(st.sampled_from(FLOWS), max_size=60)
backlogs = st.lists(st.sets(st.sampled_from(FLOWS), min_size=1), max_size=60)


def serve(queue: FairQueue, backlog: Collection[Flow]) -> Flow:
    """Give the first of the flows its turn; return it."""
    first = queue.in_order(sorted(backlog, key=str))[0]
    queue.charge(first, "team", [first.sender])
    return first


def serve_many(queue: FairQueue, backlog: Collection[Flow], turns: int) -> list[Flow]:
    return [serve(queue, backlog) for _ in range(turns)]


def after(history: Sequence[Collection[Flow]]) -> FairQueue:
    """Return a queue that has served one of these flows in each turn."""
    queue = FairQueue()
    for backlog in history:
        serve(queue, backlog)
    return queue


# Shares


def test_every_urgency_has_a_weight_and_the_more_urgent_more() -> None:
    assert list(WEIGHTS) == sorted(Urgency)
    assert list(WEIGHTS.values()) == sorted(WEIGHTS.values(), reverse=True)


@given(backlogs, st.integers(0, 300))
def test_whatever_happened_before_each_urgency_gets_its_share_while_all_have_work(
    history: Sequence[Collection[Flow]], turns: int
) -> None:
    queue = after(history)
    of_one_pair = [flow for flow in FLOWS if (flow.source, flow.target) == PAIRS[0]]

    counts = Counter(flow.urgency for flow in serve_many(queue, of_one_pair, turns))

    for urgency, weight in WEIGHTS.items():
        assert abs(counts[urgency] - turns * weight / TOTAL) <= 3


@given(backlogs, st.integers(0, 300))
def test_whatever_happened_before_senders_and_pairs_take_turns_while_all_have_work(
    history: Sequence[Collection[Flow]], turns: int
) -> None:
    queue = after(history)
    of_one_urgency = [flow for flow in FLOWS if flow.urgency is Urgency.PROOF]

    served = serve_many(queue, of_one_urgency, turns)

    for pair in PAIRS:
        of_pair = [flow.sender for flow in served if (flow.source, flow.target) == pair]
        assert abs(len(of_pair) - turns / len(PAIRS)) <= 2
        counts = Counter(of_pair)
        for sender in SENDERS:
            assert abs(counts[sender] - len(of_pair) / len(SENDERS)) <= 2


def most_turns(flow: Flow) -> int:
    """Return how many turns a flow that has work waits at most, whoever else has work."""
    # Others of its urgency or pair have at most one turn more than their share of the same time.
    of_urgency = math.ceil(TOTAL / WEIGHTS[flow.urgency]) + len(WEIGHTS)
    return 2 * len(PAIRS) * of_urgency * 2 * len(SENDERS)


@given(backlogs, st.sampled_from(FLOWS), st.lists(st.sets(st.sampled_from(FLOWS)), min_size=1))
def test_no_flow_waits_for_more_than_a_bound_of_turns(
    history: Sequence[Collection[Flow]], waiting: Flow, others: Sequence[Collection[Flow]]
) -> None:
    queue = after(history)

    turns = 1
    while serve(queue, {waiting, *others[turns % len(others)]}) != waiting:
        turns += 1
        assert turns <= most_turns(waiting)


def test_a_lone_flow_is_next_however_long_others_have_waited() -> None:
    queue = FairQueue()
    busy = replace(FRESH, sender="busy")
    serve_many(queue, [busy], 1000)

    assert serve(queue, [busy, replace(FRESH, sender="lone")]).sender == "lone"


# Idle members


@pytest.mark.parametrize(
    "idle",
    [
        replace(FRESH, sender="idle"),
        replace(FRESH, urgency=Urgency.BACKFILL),
        replace(FRESH, target="south"),
    ],
    ids=["sender", "urgency", "pair"],
)
def test_who_was_idle_saves_up_no_turns(idle: Flow) -> None:
    queue = FairQueue()
    serve_many(queue, [FRESH, idle], 10)
    serve_many(queue, [FRESH], 1000)

    served = serve_many(queue, [FRESH, idle], 30)

    assert served.count(FRESH) >= 14  # half of the turns, or more if it has a greater weight


def test_who_used_a_lot_alone_waits_for_no_past_use() -> None:
    queue = FairQueue()
    serve_many(queue, [FRESH], 1000)
    other = replace(FRESH, sender="other")
    serve_many(queue, [other], 10)

    assert serve_many(queue, [FRESH, other], 20).count(FRESH) >= 9


def test_turns_begin_at_the_present() -> None:
    turns = Turns[str]()
    turns.charge("a", 5)
    turns.begin("a")

    assert (turns.next_turn("a"), turns.next_turn("b")) == (5, 5)


# Who is charged


def test_the_senders_whose_syncs_a_run_carries_share_its_cost() -> None:
    queue = FairQueue()
    first, second, third = (replace(FRESH, sender=name) for name in SENDERS)
    queue.charge(first, "team", ["a", "b", "b", "b"])  # a quarter for a, the rest for b

    assert [flow.sender for flow in queue.in_order([second, first, third])] == ["c", "a", "b"]


def test_a_run_that_found_nothing_to_do_costs_its_sender_a_turn() -> None:
    queue = FairQueue()
    queue.charge(FRESH, "team", [])

    assert queue.in_order([FRESH, replace(FRESH, sender="b")])[0].sender == "b"


# Organizations


def test_a_flow_goes_on_after_the_organization_that_had_its_turn() -> None:
    queue = FairQueue()
    assert queue.last_organization(FRESH) == ""

    queue.charge(FRESH, "team-b", ["a"])

    assert queue.last_organization(FRESH) == "team-b"
    assert queue.last_organization(replace(FRESH, sender="b")) == ""


def test_the_organizations_of_many_flows_are_all_remembered() -> None:
    """Otherwise each would begin with its first organization again, and never get to the last."""
    flows = [
        Flow(urgency, f"r{source}", f"r{target}", f"s{sender}")
        for urgency in Urgency
        for source in range(5)
        for target in range(5)
        for sender in range(15)
    ]
    queue = FairQueue()
    for flow in flows:
        queue.charge(flow, "team-a", [flow.sender])

    assert {queue.last_organization(flow) for flow in flows} == {"team-a"}


# Memory


def size(queue: FairQueue) -> int:
    return len(pickle.dumps(queue))


def test_organizations_take_no_memory() -> None:
    queue = FairQueue()
    queue.charge(FRESH, "team-000000", ["a"])
    once = size(queue)
    for number in range(20_000):
        queue.charge(FRESH, f"team-{number:06}", ["a"])

    assert size(queue) <= once + 100


def test_who_has_not_come_back_for_long_is_forgotten() -> None:
    queue = FairQueue()
    sizes = []
    for number in range(40_000):
        gone = replace(FRESH, sender=f"gone-{number:06}")
        for flow in (FRESH, gone):
            queue.charge(flow, "team", [flow.sender])
        if number % 2000 == 1999:
            sizes.append(size(queue))

    assert max(sizes[10:]) <= max(sizes[:10]) * 1.1
