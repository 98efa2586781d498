"""Whose lane the engine runs next, counted in runs: nobody waits for all the lanes of another."""

import time
from collections import Counter
from collections.abc import Sequence
from datetime import timedelta

import pytest

from swrhook.engine import CapacityLimit
from swrhook.ledger.database import Database
from swrhook.ledger.lanes import lock_lanes, schedule_lanes
from swrhook.model import Lane, Urgency
from tests.engine.lane_work import Work, assert_quiet, deliver, running, soon
from tests.ledger.queue import lane

MANY = 200


def lanes_of(
    name: str, number: int = MANY, organization: str = "team", **regions: str
) -> list[Lane]:
    return [lane(f"{name}-{n:03}", organization, **regions) for n in range(number)]


def run_all(database: Database, work: Work, lanes: Sequence[Lane]) -> list[Lane]:
    """Run what is ready in one thread; return the lanes in the order of their runs."""
    with running(database, work, threads=1):
        assert work.has_run(*lanes)
    assert len(work.runs) == len(lanes)
    return work.runs


def turns_until(database: Database, lane: Lane) -> int:
    """Run what is ready in one thread until a lane runs; return how many ran before it."""
    work = Work()
    with running(database, work, threads=1):
        assert work.has_run(lane)
    return work.runs.index(lane)


def owners(runs: Sequence[Lane]) -> list[str]:
    return [run.repository.partition("-")[0] for run in runs]


# Senders


def test_a_lone_lane_of_another_sender_runs_next_however_many_wait(database: Database) -> None:
    many, lone = lanes_of("many"), lane("lone")
    deliver(database, None, *many, sender="many")
    deliver(database, None, lone, sender="zone")

    assert turns_until(database, lone) <= 1


def test_a_lone_lane_that_comes_in_the_middle_runs_next(database: Database) -> None:
    work, many, lone = Work(), lanes_of("many"), lane("lone")
    deliver(database, None, *many, sender="many")
    work.hanging.add(many[50])
    with running(database, work, threads=1) as engine:
        assert work.has_run(many[50])
        deliver(database, engine, lone, sender="a")
        work.release()
        assert work.has_run(lone)

    assert work.runs.index(lone) <= 52


def test_a_lone_push_to_a_lane_that_waits_for_another_sender_runs_next(
    database: Database,
) -> None:
    many = lanes_of("many")
    shared = many[-1]
    deliver(database, None, *many, sender="many")
    deliver(database, None, shared, sender="zone")

    assert turns_until(database, shared) <= 1


@pytest.mark.parametrize("others", ["a", "z"])
def test_a_lane_does_not_lose_its_turn_to_many_of_another_sender(
    database: Database, others: str
) -> None:
    many = lanes_of("many")
    shared = many[-1]
    deliver(database, None, shared, sender="m")
    deliver(database, None, *many, sender=others)

    assert turns_until(database, shared) <= 1


def test_senders_take_turns(database: Database) -> None:
    several = {name: lanes_of(name, 20) for name in ("a", "b", "c")}
    for name, lanes in several.items():
        deliver(database, None, *lanes, sender=name)

    runs = run_all(database, Work(), [one for lanes in several.values() for one in lanes])

    for end in range(3, 61, 3):
        assert Counter(owners(runs[:end])) == dict.fromkeys("abc", end // 3)


# Organizations


def test_organizations_take_turns(database: Database) -> None:
    big = lanes_of("big", 40, organization="big")
    small = lanes_of("small", 3, organization="small")
    deliver(database, None, *big, *small)

    runs = run_all(database, Work(), [*big, *small])

    assert owners(runs[:7]) in (["big", "small"] * 3 + ["big"], ["small", "big"] * 3 + ["big"])


def test_lanes_of_an_organization_run_in_the_order_in_which_they_became_ready(
    database: Database,
) -> None:
    in_order = lanes_of("r", 10)[::-1]
    for number, each in enumerate(in_order):
        with database.write() as connection:
            schedule_lanes(connection, {each: "harbor"}, Urgency.FRESH, soon(number - 60))

    assert run_all(database, Work(), in_order) == in_order


# Urgencies


def test_every_urgency_gets_its_share_while_all_have_work(database: Database) -> None:
    work = Work()
    for urgency in Urgency:
        deliver(database, None, *lanes_of(urgency.name, 32), urgency=urgency)

    with running(database, work, threads=1):
        assert work.wait_for(lambda: len(work.runs) >= 45)

    shares = Counter(owners(work.runs[:45]))
    for name, share in {"FRESH": 24, "PROOF": 12, "REPEAT": 6, "BACKFILL": 3}.items():
        assert abs(shares[name] - share) <= 2


@pytest.mark.parametrize("urgency", Urgency)
def test_a_lone_lane_of_any_urgency_waits_for_few_others(
    database: Database, urgency: Urgency
) -> None:
    lone = lane("lone")
    others = {other: lanes_of(other.name, 40) for other in Urgency if other is not urgency}
    for other, lanes in others.items():
        deliver(database, None, *lanes, urgency=other)
    deliver(database, None, lone, urgency=urgency)

    assert turns_until(database, lone) <= 3  # one of each other urgency


# Regions


@pytest.mark.parametrize("retry_in", [None, timedelta(seconds=0.05)], ids=["a run", "a moment"])
def test_a_region_without_room_delays_no_other(
    database: Database, retry_in: timedelta | None
) -> None:
    work = Work()
    work.capacity_limits["full"] = CapacityLimit("full", "in_flight", retry_in)
    into, out_of = lanes_of("into", 50, target="full"), lanes_of("from", 50, source="full")
    others = lanes_of("others", 10)
    deliver(database, None, *into, *out_of, *others)

    assert run_all(database, work, others) == others


def test_the_lanes_of_a_region_run_once_it_has_room_again(database: Database) -> None:
    work = Work()
    work.capacity_limits["full"] = CapacityLimit("full", "paused", timedelta(seconds=0.05))
    waiting = lanes_of("waiting", 3, target="full")
    deliver(database, None, *waiting)
    with running(database, work):
        assert work.wait_for(lambda: len(work.elsewhere) > 3)  # it asks again and again
        assert work.runs == []
        work.capacity_limits.clear()

        assert work.has_run(*waiting)


def test_a_region_takes_no_turn_of_another_while_it_has_no_room(database: Database) -> None:
    work = Work()
    work.capacity_limits["full"] = CapacityLimit("full", "in_flight", timedelta(seconds=0.05))
    waiting, others = lanes_of("waiting", 40, target="full"), lanes_of("others", 80)
    deliver(database, None, *waiting, *others)
    work.hanging.add(others[40])
    with running(database, work, threads=1):
        assert work.has_run(others[40])
        work.capacity_limits.clear()
        work.release()
        assert work.has_run(*waiting, *others)

    for end in range(10, 80, 10):  # from then on they take turns
        shares = Counter(owners(work.runs[41 : 41 + end]))
        assert abs(shares["waiting"] - shares["others"]) <= 2


def test_no_more_lanes_run_at_a_time_than_there_is_room_for(database: Database) -> None:
    work, several = Work(room=2), lanes_of("r", 30)
    work.hanging |= set(several)
    with running(database, work, threads=6) as engine:
        deliver(database, engine, *several)
        assert work.wait_for(lambda: len(work.inside) == 2)
        assert_quiet(work)
        work.release()
        assert work.has_run(*several)
        assert work.is_idle()

    assert work.most == 2
    assert work.occupied == 0


def test_a_lane_that_waits_for_room_runs_when_a_run_ends(database: Database) -> None:
    work = Work(room=1)
    work.hanging.add(lane("first"))
    with running(database, work, threads=2) as engine:
        deliver(database, engine, lane("first"))
        assert work.has_run(lane("first"))
        deliver(database, engine, lane("second"))
        assert work.wait_for(lambda: len(work.elsewhere) > 1)
        work.release()

        assert work.has_run(lane("second"))


def test_a_run_that_ends_during_the_look_is_not_missed(database: Database) -> None:
    work = Work(room=1)
    work.lingering.add(lane("first"))

    def end_the_run() -> None:
        work.release()
        assert work.wait_for(lambda: not work.occupied)
        time.sleep(0.2)  # until its thread has noted that

    with running(database, work, threads=2) as engine:
        deliver(database, engine, lane("first"))
        assert work.wait_for(lambda: work.released == [lane("first")])
        work.after_refusal = end_the_run
        deliver(database, engine, lane("second"))

        assert work.has_run(lane("second"))


@pytest.mark.on("postgresql")
def test_lanes_that_a_delivery_locks_delay_no_others(database: Database) -> None:
    work, locked = Work(), lane("locked")
    deliver(database, None, locked, sender="a")
    with database.write() as connection:
        lock_lanes(connection, [locked])  # as long as it records its other syncs
        with running(database, work):
            deliver(database, None, lane("other"), sender="b")
            assert work.has_run(lane("other"))
            assert_quiet(work)
            assert work.runs == [lane("other")]
            connection.commit()

            assert work.has_run(locked)  # although nobody signals that it is free
