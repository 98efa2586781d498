"""When lanes run next: made ready once, held by one process, and released for what is due."""

from dataclasses import replace
from datetime import datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swrhook.errors import ClaimLost
from swrhook.ledger.database import Database
from swrhook.ledger.lanes import Flow, lock_held, lock_lanes, schedule_lanes
from swrhook.ledger.tables import lanes
from swrhook.model import END_STATES, Lane, State, Urgency
from tests.factories import LANE, MINUTE, NOW, OTHER_TARGET, SECOND, everything, put
from tests.ledger.queue import (
    HOLDER,
    OTHER_HOLDER,
    flow,
    place,
    release,
    row_of,
    schedule,
    take,
)

OTHER_LANE = replace(LANE, target=OTHER_TARGET)
names = st.from_regex(r"[a-z0-9-]{1,63}", fullmatch=True)
flows = st.builds(Flow, st.sampled_from(Urgency), names, names, names | st.just("(manual)"))


# Flows


@given(flows)
def test_the_stored_form_of_a_flow_can_be_read_back(one: Flow) -> None:
    assert Flow.parse(str(one)) == one
    assert len(str(one)) <= 200  # the column's length


@given(flows, flows)
def test_stored_flows_are_in_the_order_of_their_urgencies(one: Flow, other: Flow) -> None:
    more_urgent, less_urgent = sorted([one, other], key=lambda each: each.urgency)

    if more_urgent.urgency != less_urgent.urgency:
        assert str(more_urgent) < str(less_urgent)


# Schedule


def test_a_lane_becomes_ready_once(database: Database) -> None:
    assert schedule(database, LANE) == [LANE]
    assert schedule(database, LANE) == []
    assert schedule(database, LANE, OTHER_LANE) == [OTHER_LANE]
    assert place(database) == (str(flow()), NOW, True, None)


def test_without_lanes_nothing_is_scheduled(database: Database) -> None:
    assert schedule(database) == []
    assert everything(database, lanes) == []


def test_a_ready_lane_keeps_its_place(database: Database) -> None:
    schedule(database, LANE, urgency=Urgency.REPEAT)
    before = place(database)

    assert schedule(database, LANE, urgency=Urgency.REPEAT, after=9) == []
    assert schedule(database, LANE, urgency=Urgency.BACKFILL, sender="quay", after=9) == []
    assert place(database) == before


@pytest.mark.parametrize("sender", ["a", "z"])
def test_a_ready_lane_goes_over_to_another_sender_and_keeps_its_time(
    database: Database, sender: str
) -> None:
    """The sender that was there before may have many lanes: the new one does not wait for them."""
    schedule(database, LANE, sender="harbor")

    assert schedule(database, LANE, sender=sender, after=9) == [LANE]
    assert place(database) == (str(flow(sender=sender)), NOW, True, None)


def test_more_urgent_syncs_make_a_ready_lane_more_urgent(database: Database) -> None:
    schedule(database, LANE, urgency=Urgency.BACKFILL)

    assert schedule(database, LANE, sender="quay", after=9) == [LANE]
    # It has waited since it became ready.
    assert place(database) == (str(flow(sender="quay")), NOW, True, None)


def test_a_lane_that_is_due_later_becomes_ready_at_once(database: Database) -> None:
    put(database, due_at=NOW + MINUTE, urgency=Urgency.REPEAT)
    schedule(database, LANE)
    release(database)
    assert place(database) == (str(flow(urgency=Urgency.REPEAT)), NOW + MINUTE, False, None)

    assert schedule(database, LANE, urgency=Urgency.BACKFILL, after=9) == [LANE]
    late = (str(flow(urgency=Urgency.BACKFILL)), NOW + 9 * SECOND, True, None)
    assert place(database) == late


def test_a_lane_that_runs_is_left_alone(database: Database) -> None:
    schedule(database, LANE, urgency=Urgency.BACKFILL)
    take(database, flow(urgency=Urgency.BACKFILL))
    before = place(database)

    assert schedule(database, LANE, after=9) == []
    assert place(database) == before
    assert before[2:] == (False, HOLDER)


def test_many_lanes_are_scheduled_each_with_its_own_sender(database: Database) -> None:
    many = {replace(LANE, repository=f"r{n:04}"): f"sender-{n % 3}" for n in range(1000)}

    with database.write() as connection:
        scheduled = schedule_lanes(connection, many, Urgency.FRESH, NOW)

    assert set(scheduled) == set(many)
    shown = {row["key"]: row["flow"] for row in everything(database, lanes)}
    assert shown == {lane.key: str(Flow.of(lane, Urgency.FRESH, many[lane])) for lane in many}


def test_a_lock_makes_no_lane_ready(database: Database) -> None:
    with database.write() as connection:
        lock_lanes(connection, [LANE])

    assert [row["key"] for row in everything(database, lanes) if row["ready"]] == []
    assert schedule(database, LANE) == [LANE]


# Hold


@pytest.mark.on("postgresql")
def test_only_its_holder_can_lock_a_lane_that_runs(database: Database) -> None:
    schedule(database, LANE)
    take(database)

    with database.write() as connection:
        lock_held(connection, LANE, HOLDER)
    with pytest.raises(ClaimLost), database.write() as connection:
        lock_held(connection, LANE, OTHER_HOLDER)


@pytest.mark.on("postgresql")
def test_a_lane_that_is_ready_again_or_gone_is_not_held(database: Database) -> None:
    with pytest.raises(ClaimLost), database.write() as connection:
        lock_held(connection, LANE, HOLDER)
    schedule(database, LANE)
    with pytest.raises(ClaimLost), database.write() as connection:
        lock_held(connection, LANE, HOLDER)


@pytest.mark.on("postgresql")
def test_the_twin_of_a_lane_says_nothing_about_its_holder(database: Database) -> None:
    twin = replace(LANE, override=True)
    schedule(database, LANE, twin)
    with database.write() as connection:
        held = lanes.c.key == twin.key
        connection.execute(lanes.update().where(held).values(holder=HOLDER, ready=False))

    with pytest.raises(ClaimLost), database.write() as connection:
        lock_held(connection, LANE, HOLDER)


# Release


def released(database: Database, not_before: datetime | None = None) -> datetime | None:
    """Run the lane, and return when it is due again."""
    schedule(database, LANE, urgency=Urgency.FRESH, sender="runs")
    assert take(database, flow(sender="runs")) == LANE
    return release(database, not_before=not_before)


def test_a_released_lane_is_due_with_its_next_sync(database: Database) -> None:
    put(database, due_at=NOW + MINUTE)
    put(database, State.TRIGGERED, tag="v2", due_at=NOW + SECOND, urgency=Urgency.PROOF)
    put(database, State.VERIFIED, tag="v3", due_at=None)
    put(database, lane=OTHER_LANE, tag="v4", due_at=NOW)

    assert released(database) == NOW + SECOND
    assert place(database) == (str(flow(urgency=Urgency.PROOF)), NOW + SECOND, False, None)


def test_a_released_lane_with_a_due_sync_is_ready_behind_those_that_wait(
    database: Database,
) -> None:
    put(database, due_at=NOW - MINUTE)

    assert released(database) == NOW
    assert place(database) == (str(flow()), NOW, True, None)


def test_a_released_lane_is_as_urgent_as_its_most_urgent_due_sync(database: Database) -> None:
    put(database, tag="v1", due_at=NOW - MINUTE, urgency=Urgency.BACKFILL)
    put(database, tag="v2", due_at=NOW, urgency=Urgency.PROOF, sender="quay")
    put(database, tag="v3", due_at=NOW + SECOND, urgency=Urgency.FRESH)

    released(database)

    assert row_of(database)["flow"] == str(flow(urgency=Urgency.PROOF, sender="quay"))


def test_a_lane_without_open_syncs_is_not_due(database: Database) -> None:
    for state in END_STATES:
        put(database, state, tag=f"in-{state}")

    assert released(database) is None
    assert place(database) == (None, None, False, None)


def test_a_call_that_was_left_behind_is_due_at_once(database: Database) -> None:
    put(database, State.CALLING, claim="C" * 26, updated_at=NOW - MINUTE, due_at=NOW - MINUTE)
    put(database, tag="v2", due_at=NOW + MINUTE)

    assert released(database) == NOW


def test_a_postponed_lane_is_due_with_what_will_be_due_then(database: Database) -> None:
    put(database, tag="v1", due_at=NOW - MINUTE, urgency=Urgency.BACKFILL)
    put(database, tag="v2", due_at=NOW + SECOND, urgency=Urgency.PROOF)
    put(database, tag="v3", due_at=NOW + MINUTE)

    assert released(database, NOW + 5 * SECOND) == NOW + 5 * SECOND
    late = (str(flow(urgency=Urgency.PROOF)), NOW + 5 * SECOND, False, None)
    assert place(database) == late


def test_a_lane_is_not_postponed_past_its_next_sync(database: Database) -> None:
    put(database, due_at=NOW + MINUTE)

    assert released(database, NOW + SECOND) == NOW + MINUTE


def test_the_release_of_a_lane_leaves_others_as_they_are(database: Database) -> None:
    twin: Lane = replace(LANE, override=True)
    schedule(database, twin, OTHER_LANE, sender="waits")
    before = [place(database, other) for other in (twin, OTHER_LANE)]
    put(database, due_at=NOW + MINUTE)

    released(database)

    assert [place(database, other) for other in (twin, OTHER_LANE)] == before
