"""A wall clock that is set back delays nothing: due times on SQLite go back with it."""

import time
from contextlib import suppress
from datetime import datetime, timedelta
from typing import Any

import pytest

from swrhook.ledger import notifications
from swrhook.ledger.clock_steps import ClockSteps, shift_due_times
from swrhook.ledger.database import Database
from swrhook.ledger.discovery import (
    end_list,
    ensure_repository,
    keep_organizations,
    mark_visited,
    next_to_visit,
    organizations_to_list,
)
from swrhook.ledger.notifications import due_channels
from swrhook.ledger.observations import find_observations, keep_observations
from swrhook.ledger.questions import (
    LEASE,
    QuestionSession,
    ask,
    sweep_questions,
    take_question,
)
from swrhook.ledger.repairs import begin, claim_next
from swrhook.ledger.service_tables import leases
from swrhook.ledger.tables import lanes, questions, syncs
from swrhook.model import State
from swrhook.notifications.parts import make_test
from swrhook.syncs.discovery import OrganizationRef
from swrhook.syncs.observations import Place, TagObservation
from swrhook.syncs.reconciliation import RepairKind, RepairRequest, RepositoryRef
from tests.factories import LANE, MINUTE, NOW, SECOND, A, everything, put
from tests.ledger.queue import HOLDER, OTHER_HOLDER, lane, place, release, row_of, schedule

pytestmark = pytest.mark.on("sqlite")
STEP = timedelta(hours=6)


BEGAN_AT = time.monotonic()


def clock(ahead: timedelta = timedelta()) -> datetime:
    """Return the time of a clock that runs on from NOW, or `ahead` of it."""
    return NOW + timedelta(seconds=time.monotonic() - BEGAN_AT) + ahead


def check(database: Database, steps: ClockSteps, ahead: timedelta = timedelta()) -> None:
    with database.write() as connection:
        steps.check(connection, clock(ahead))


def shift(database: Database, ahead: timedelta = STEP) -> None:
    with database.write() as connection:
        shift_due_times(connection, NOW, ahead)


def only_sync(database: Database) -> dict[str, Any]:
    [row] = everything(database, syncs)
    return row


def put_ahead(database: Database, now: datetime | None = None) -> None:
    """Put a sync and its lane that are due in a minute, by a clock that is STEP ahead."""
    now = now or clock()
    put(database, due_at=now + STEP + MINUTE, updated_at=now + STEP)
    schedule(database, LANE)
    release(database)


def waits(database: Database) -> tuple[timedelta, timedelta]:
    """Return for how long the sync and its lane wait."""
    now = clock()
    return only_sync(database)["due_at"] - now, row_of(database)["due_at"] - now


def are_shifted(database: Database) -> bool:
    return max(waits(database)) < STEP / 2


# What is shifted


def test_observations_do_not_seem_younger_than_they_are(database: Database) -> None:
    place = Place("cn-east-3", "team", "web/shop", "v1")
    with database.write() as connection:
        keep_observations(connection, [TagObservation(place, A, NOW - MINUTE)])

    shift(database)

    with database.read() as connection:
        kept = find_observations(connection, [place])[place]
    assert kept.observed_at == NOW - MINUTE - STEP


def test_times_of_open_syncs_are_shifted_with_the_clock(database: Database) -> None:
    put(
        database,
        State.TRIGGERED,
        due_at=NOW + STEP + 2 * SECOND,
        updated_at=NOW + STEP,
        failing_since=NOW + STEP - MINUTE,
        verifying_since=NOW - MINUTE,
    )

    shift(database)

    row = only_sync(database)
    assert (row["due_at"], row["updated_at"]) == (NOW + 2 * SECOND, NOW)
    assert row["failing_since"] == NOW - MINUTE
    # What was before the time as it is now has been, and stays.
    assert row["verifying_since"] == NOW - MINUTE
    assert row["waiting_since"] is None


def test_times_in_the_past_and_of_ended_syncs_are_not_shifted(database: Database) -> None:
    put(database, State.PENDING, due_at=NOW + STEP, updated_at=NOW)
    put(database, State.VERIFIED, tag="v2", due_at=None, updated_at=NOW + STEP)
    before = everything(database, syncs)

    shift(database)

    assert everything(database, syncs) == before


def test_lanes_are_shifted_whether_they_wait_for_their_time_or_for_room(
    database: Database,
) -> None:
    ahead = STEP.total_seconds()
    schedule(database, lane("past"), after=-1)
    schedule(database, lane("r1"), lane("runs"), after=ahead)
    put_ahead(database, NOW)
    with database.write() as connection:
        runs = lanes.c.key == lane("runs").key
        connection.execute(lanes.update().where(runs).values(holder=HOLDER, ready=False))

    shift(database)

    assert row_of(database, lane("past"))["due_at"] == NOW - SECOND
    assert place(database, lane("r1"))[1:] == (NOW, True, None)
    assert place(database, lane("runs"))[1:] == (NOW, False, HOLDER)
    assert place(database)[1:] == (NOW + MINUTE, False, None)


def test_repairs_discovery_and_messages_do_not_wait_for_the_clock(database: Database) -> None:
    ahead, ref = NOW + STEP, RepositoryRef("cn-north-4", "team", "web/shop")
    with database.write() as connection:
        begin(connection, RepairRequest(RepairKind.RECONCILE), ahead)
        ensure_repository(connection, ref, ahead)
        mark_visited(connection, ref, ahead)
        end_list(connection, OrganizationRef("cn-north-4", "team"), 1, ahead, is_whole=True)
        notifications.begin(connection, make_test("ops", "admin", ahead), ahead, ahead)

    shift(database)

    with database.write() as connection:
        claimed = claim_next(connection, NOW)
        assert claimed is not None
        assert claimed[0].created_at == NOW
        assert next_to_visit(connection, NOW + SECOND) == ref
        assert due_channels(connection, NOW) == ["ops"]
        keep_organizations(connection, "cn-north-4", ["team"], NOW + SECOND)
        assert organizations_to_list(connection, NOW + SECOND)


def test_a_question_is_neither_held_nor_asked_for_longer(database: Database) -> None:
    asked, ahead = Place("cn-east-3", "team", "web/shop", "v1"), NOW + STEP
    with database.write() as connection:
        ask(connection, [asked], ahead, since=ahead - SECOND, until=ahead + MINUTE)
        take_question(connection, asked.region, HOLDER, ahead)  # and is lost

    shift(database)

    with database.write() as connection:
        sweep_questions(connection, NOW + LEASE)
        assert take_question(connection, asked.region, OTHER_HOLDER, NOW + LEASE) == asked
    session = QuestionSession(database, asked, OTHER_HOLDER)
    session.answer(TagObservation(asked, A, NOW + LEASE))
    assert everything(database, questions) == []


# When it is shifted


def test_a_clock_that_is_set_back_while_lanes_run_takes_due_times_with_it(
    database: Database,
) -> None:
    steps = ClockSteps()
    check(database, steps, STEP)
    put_ahead(database)

    check(database, steps)

    assert are_shifted(database)


def test_a_clock_that_was_set_back_between_two_runs_takes_due_times_with_it(
    database: Database,
) -> None:
    check(database, ClockSteps(), STEP)
    put_ahead(database)

    check(database, ClockSteps())

    assert are_shifted(database)


def test_a_step_back_is_shifted_once(database: Database) -> None:
    steps = ClockSteps()
    check(database, steps, STEP)
    put_ahead(database)
    check(database, steps)
    once = everything(database, syncs), everything(database, lanes)

    check(database, steps)
    check(database, ClockSteps())

    assert (everything(database, syncs), everything(database, lanes)) == once


@pytest.mark.parametrize(
    "step", [STEP, timedelta(), timedelta(seconds=-0.9)], ids=["forward", "none", "negligible"]
)
def test_other_steps_shift_nothing(database: Database, step: timedelta) -> None:
    steps = ClockSteps()
    check(database, steps)
    put_ahead(database)
    before = everything(database, syncs), everything(database, lanes)

    check(database, steps, step)

    assert (everything(database, syncs), everything(database, lanes)) == before


def test_a_first_start_shifts_nothing(database: Database) -> None:
    put_ahead(database)

    check(database, ClockSteps())

    assert not are_shifted(database)


def test_the_time_is_noted_and_not_with_every_lane(database: Database) -> None:
    steps = ClockSteps()
    check(database, steps)
    noted = everything(database, leases)
    check(database, steps)

    assert len(noted) == 1
    assert everything(database, leases) == noted


def test_a_step_found_in_a_transaction_that_failed_is_shifted_in_the_next(
    database: Database,
) -> None:
    steps = ClockSteps()
    check(database, steps, STEP)
    put_ahead(database)
    with suppress(ZeroDivisionError), database.write() as connection:
        steps.check(connection, clock())
        raise ZeroDivisionError

    check(database, steps)

    assert are_shifted(database)
