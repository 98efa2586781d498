"""The waiting room: lanes become ready when they are due, and are taken one by one."""

import pytest
from sqlalchemy.exc import DBAPIError

from swrhook.ledger.database import Database
from swrhook.ledger.lane_queue import (
    MOST_READIED,
    Occupancy,
    free_lanes,
    lock_queue,
    make_due_ready,
    read_occupancy,
    read_waiting,
)
from swrhook.ledger.lanes import Flow, lock_lanes
from swrhook.ledger.tables import lanes
from swrhook.model import Lane, Urgency
from tests.factories import (
    LANE,
    MINUTE,
    NOW,
    SECOND,
    entry,
    everything,
    push,
    put,
    ready_lanes,
    write,
)
from tests.ledger.queue import (
    HOLDER,
    OTHER_HOLDER,
    flow,
    lane,
    place,
    release,
    schedule,
    take,
)


def schedule_for(database: Database, lane: Lane, after: int) -> None:
    """Let a lane wait until a sync of it is due, some seconds after NOW."""
    put(database, lane=lane, due_at=NOW + after * SECOND)
    schedule(database, lane)
    release(database, lane)


def make_ready(database: Database, after: float = 0) -> object:
    with database.write() as connection:
        return make_due_ready(connection, NOW + after * SECOND)


def flows(database: Database) -> list[Flow]:
    with database.read() as connection:
        return read_waiting(connection)[0]


# Due


def test_a_lane_becomes_ready_when_it_is_due_and_not_before(database: Database) -> None:
    schedule_for(database, LANE, after=60)
    scheduled = place(database)

    assert make_ready(database, after=59.9) == NOW + MINUTE
    assert place(database) == scheduled
    assert make_ready(database, after=60) is None
    assert place(database) == (str(flow()), NOW + MINUTE, True, None)


def test_the_next_due_time_is_that_of_the_first_lane_that_is_not_due(database: Database) -> None:
    for number in (3, 1, 2):
        schedule_for(database, lane(f"r{number}"), after=number)

    assert make_ready(database, after=1) == NOW + 2 * SECOND
    assert ready_lanes(database) == [lane("r1")]


def test_without_scheduled_lanes_there_is_no_due_time(database: Database) -> None:
    assert make_ready(database) is None
    schedule(database, LANE)
    release(database)  # nothing of it is open

    assert make_ready(database) is None


def test_lanes_that_wait_or_run_are_not_made_ready_again(database: Database) -> None:
    schedule(database, LANE, lane("runs"))
    take(database, flow(lane("runs")))
    before = everything(database, lanes)

    assert make_ready(database, after=60) is None
    assert everything(database, lanes) == before


def test_lanes_that_are_due_together_become_ready_in_steps_the_first_ones_first(
    database: Database,
) -> None:
    many = [lane(f"r{number:03}") for number in reversed(range(MOST_READIED + 5))]
    schedule(database, *many)
    with database.write() as connection:
        for number, each in enumerate(many):
            due_at = NOW + number * SECOND
            this = lanes.c.key == each.key
            connection.execute(lanes.update().where(this).values(ready=False, due_at=due_at))

    assert make_ready(database, after=3600) == NOW + MOST_READIED * SECOND
    assert set(ready_lanes(database)) == set(many[:MOST_READIED])
    assert make_ready(database, after=3600) is None
    assert set(ready_lanes(database)) == set(many)


@pytest.mark.on("postgresql")
def test_a_lane_that_another_transaction_has_locked_is_made_ready_later(
    database: Database,
) -> None:
    schedule_for(database, LANE, after=1)
    with database.write() as other:
        lock_lanes(other, [LANE])
        assert make_ready(database, after=1) == NOW + SECOND
    assert ready_lanes(database) == []

    assert make_ready(database, after=1) is None
    assert ready_lanes(database) == [LANE]


# Flows


def test_the_flows_with_ready_lanes_are_listed_once_each(database: Database) -> None:
    schedule(database, *(lane(f"r{number}") for number in range(9)))
    schedule(database, *(lane(f"s{number}") for number in range(9)), sender="quay")
    schedule(database, lane("late"), urgency=Urgency.BACKFILL)
    schedule(database, lane("far", target="cn-south-1"))
    schedule_for(database, lane("not-due", target="eu-west-0"), after=60)
    schedule(database, lane("runs", source="eu-west-0"))
    take(database, flow(lane(source="eu-west-0")))

    assert flows(database) == [
        flow(sender="harbor"),
        flow(sender="quay"),
        flow(lane(target="cn-south-1")),
        flow(urgency=Urgency.BACKFILL),
    ]


def test_without_ready_lanes_there_are_no_flows(database: Database) -> None:
    assert flows(database) == []


# Take


def test_a_taken_lane_is_held_and_not_taken_again(database: Database) -> None:
    schedule(database, LANE)

    assert take(database) == LANE
    assert place(database) == (str(flow()), NOW, False, HOLDER)
    assert take(database) is None


def test_lanes_of_one_organization_are_taken_in_the_order_of_their_time(
    database: Database,
) -> None:
    for number in (3, 1, 2):
        schedule(database, lane(f"r{number}"), after=number)

    assert [take(database) for _ in range(3)] == [lane("r1"), lane("r2"), lane("r3")]


def test_the_next_organization_is_the_first_after_the_last_one(database: Database) -> None:
    for number, organization in enumerate(("a", "b", "c")):
        schedule(database, lane(organization=organization), after=-number)

    assert take(database, after="a") == lane(organization="b")
    assert take(database, after="a") == lane(organization="c")
    assert take(database, after="a") == lane(organization="a")
    assert take(database, after="a") is None


def test_only_lanes_of_the_flow_are_taken(database: Database) -> None:
    schedule(database, LANE)

    for other in (
        flow(sender="quay"),
        flow(urgency=Urgency.PROOF),
        flow(lane(target="cn-south-1")),
        flow(lane(source="cn-south-1")),
    ):
        assert take(database, other) is None
    assert take(database) == LANE


@pytest.mark.on("postgresql")
def test_a_lane_that_another_transaction_has_locked_is_passed_over(database: Database) -> None:
    schedule(database, lane("r1"))
    schedule(database, lane("r2"), after=1)
    with database.write() as other:
        lock_lanes(other, [lane("r1")])
        assert [take(database), take(database)] == [lane("r2"), None]

    assert take(database) == lane("r1")


@pytest.mark.on("postgresql")
def test_one_process_at_a_time_takes_lanes_and_deliveries_are_recorded_meanwhile(
    database: Database,
) -> None:
    with database.write() as connection:
        lock_queue(connection)
        write(database, entry(push()))
        with pytest.raises(DBAPIError, match="lock timeout"):
            lock_impatiently(database)

    lock_impatiently(database)


def lock_impatiently(database: Database) -> None:
    with database.write() as connection:
        connection.exec_driver_sql("SET LOCAL lock_timeout = '50ms'")
        lock_queue(connection)


# Occupancy


def test_only_the_lanes_that_others_run_occupy_regions(database: Database) -> None:
    east, south = lane("r1"), lane("r2", target="cn-south-1")
    within = lane("r3", target="cn-north-4")
    schedule(database, east, south, within, lane("waits"), lane("mine", organization="z"))
    take(database, after="team", holder=HOLDER)
    for each in (east, south, within):
        take(database, flow(each), holder=OTHER_HOLDER)

    with database.read() as connection:
        seen = read_occupancy(connection, HOLDER)

    assert dict(seen.pairs) == {
        ("cn-north-4", "cn-east-3"): 1,
        ("cn-north-4", "cn-south-1"): 1,
        ("cn-north-4", "cn-north-4"): 1,
    }
    assert dict(seen.regions) == {"cn-north-4": 3, "cn-east-3": 1, "cn-south-1": 1}


def test_where_nothing_runs_nothing_is_occupied(database: Database) -> None:
    schedule(database, LANE)

    with database.read() as connection:
        assert read_occupancy(connection, HOLDER) == Occupancy()


# Free


def test_freed_lanes_are_ready_again_as_they_were(database: Database) -> None:
    mine, others = lane("mine"), lane("others")
    schedule(database, mine, others, urgency=Urgency.PROOF)
    before = place(database, others)
    take(database, flow(urgency=Urgency.PROOF), holder=HOLDER)
    take(database, flow(urgency=Urgency.PROOF), holder=OTHER_HOLDER)

    with database.write() as connection:
        assert free_lanes(connection, lanes.c.holder == OTHER_HOLDER) == 1

    assert place(database, others) == before
    assert place(database, mine)[2:] == (False, HOLDER)


def test_without_a_condition_all_held_lanes_are_freed_and_no_others(database: Database) -> None:
    schedule_for(database, lane("later"), after=60)
    schedule(database, lane("idle"))
    release(database, lane("idle"))
    schedule(database, lane("r1"), lane("r2"))
    take(database)

    with database.write() as connection:
        assert free_lanes(connection) == 1
        assert free_lanes(connection) == 0

    assert ready_lanes(database) == [lane("r1"), lane("r2")]
