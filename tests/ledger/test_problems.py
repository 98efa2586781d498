"""Searches for something to tell: each thing is found once."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import update

from swrhook.ledger import problems
from swrhook.ledger.database import Database
from swrhook.ledger.pauses import begin_pause, end_pause
from swrhook.ledger.problems import OVER_AFTER, Problem, has_problems, update_problems
from swrhook.ledger.queries.pagination import lowest_id
from swrhook.ledger.tables import syncs
from swrhook.model import Outcome, State, Target
from swrhook.notifications.model import Notice, Topic
from swrhook.syncs.pauses import Pause, PauseKind
from tests.factories import LANE, MINUTE, OTHER_TARGET, SECOND, entry, push, put, write

# Ids contain the time of the system clock.
NOW = datetime.now(UTC)
LATE = 10 * MINUTE
FAR = replace(LANE, target=OTHER_TARGET)
PAUSE = Pause(PauseKind.REGION, LANE.target.region, NOW, None, "ops", None)


def put_at(database: Database, number: int, at: datetime, state: State, **more: Any) -> str:
    """Put a sync that was recorded at a time; return its id."""
    sync_id = lowest_id(at)[:-3] + f"{number:03}"
    return put(database, state, id=sync_id, tag=f"v{number}", created_at=at, **more).id


def search_late(database: Database, now: datetime, late_after: timedelta = LATE) -> list[str]:
    with database.write() as connection:
        return [row.id for row in problems.late_syncs(connection, now, late_after)]


def test_a_sync_is_late_once(database: Database) -> None:
    assert search_late(database, NOW) == []  # the first search begins now
    new = put_at(database, 1, NOW - LATE + MINUTE, State.PENDING)
    put_at(database, 2, NOW - LATE + MINUTE, State.VERIFIED)
    put_at(database, 3, NOW - LATE + MINUTE, State.TRIGGERED, backfill=True)
    old = put_at(database, 4, NOW - 2 * LATE, State.PENDING)

    assert search_late(database, NOW + 30 * SECOND) == []
    assert search_late(database, NOW + 2 * MINUTE) == [new]
    assert search_late(database, NOW + 3 * MINUTE) == []
    assert old not in search_late(database, NOW + 4 * MINUTE)


@pytest.mark.parametrize(
    ("minutes", "late_after"), [(1, LATE), (2, LATE + MINUTE)], ids=["clock behind", "longer late"]
)
def test_a_search_of_an_earlier_time_repeats_nothing(
    database: Database, minutes: int, late_after: timedelta
) -> None:
    search_late(database, NOW)
    new = put_at(database, 1, NOW - LATE + 90 * SECOND, State.PENDING)
    assert search_late(database, NOW + 2 * MINUTE) == [new]

    assert search_late(database, NOW + minutes * MINUTE, late_after) == []
    assert search_late(database, NOW + 2 * MINUTE) == []


def test_a_search_goes_on_after_a_clock_was_years_ahead(database: Database) -> None:
    search_late(database, NOW + timedelta(days=1000))
    search_late(database, NOW)
    new = put_at(database, 1, NOW - LATE + MINUTE, State.PENDING)

    assert search_late(database, NOW + 2 * MINUTE) == [new]


def test_many_late_syncs_are_found_in_portions(database: Database) -> None:
    search_late(database, NOW)
    at = NOW - LATE + MINUTE
    ids = [
        put_at(database, number, at, state)
        for number, state in enumerate(
            (State.PENDING, State.TRIGGERED) * (problems.MOST_ROWS // 2 + 1)
        )
    ]

    first, second = (search_late(database, NOW + 2 * MINUTE) for _ in range(2))

    assert (len(first), first + second) == (problems.MOST_ROWS, sorted(ids))


def test_lateness_begins_anew_after_a_pause(database: Database) -> None:
    search_late(database, NOW)
    with database.write() as connection:
        begin_pause(connection, PAUSE)
    held = put_at(database, 1, NOW - LATE + MINUTE, State.PENDING)
    other = put_at(database, 2, NOW - LATE + MINUTE, State.PENDING, lane=FAR)
    assert search_late(database, NOW + 2 * MINUTE) == [other]
    younger = put_at(database, 3, NOW + 50 * MINUTE, State.PENDING)
    with database.write() as connection:
        end_pause(connection, PAUSE.paused, NOW + 60 * MINUTE)

    assert search_late(database, NOW + 61 * MINUTE) == []
    assert search_late(database, NOW + 69 * MINUTE) == []
    after = [id_ for minutes in (71, 72) for id_ in search_late(database, NOW + minutes * MINUTE)]
    assert sorted(after) == [held, younger]


def test_what_was_told_before_a_pause_is_not_told_after_it(database: Database) -> None:
    search_late(database, NOW)
    told = put_at(database, 1, NOW - LATE + MINUTE, State.PENDING)
    assert search_late(database, NOW + 2 * MINUTE) == [told]
    with database.write() as connection:
        begin_pause(connection, replace(PAUSE, since=NOW + 3 * MINUTE))
        end_pause(connection, PAUSE.paused, NOW + 5 * MINUTE)

    assert search_late(database, NOW + 20 * MINUTE) == []


def remember(database: Database, *sync_ids: str) -> None:
    with database.write() as connection:
        rows = connection.execute(syncs.select().where(syncs.c.id.in_(sync_ids))).all()
        problems.remember_syncs(connection, rows, NOW)


def recovered(database: Database) -> list[Notice]:
    with database.write() as connection:
        notices, after = problems.take_recovered(connection, "")
    assert after == ""
    return notices


def set_state(database: Database, sync_id: str, state: State) -> None:
    with database.write() as connection:
        values = {"state": state.value, "verified_at": NOW}
        connection.execute(update(syncs).where(syncs.c.id == sync_id).values(values))


def test_a_told_sync_that_is_verified_has_recovered_once(database: Database) -> None:
    failed = put(database, State.REJECTED)
    remember(database, failed.id)
    remember(database, failed.id)
    assert recovered(database) == []

    set_state(database, failed.id, State.VERIFIED)
    [notice] = recovered(database)
    assert (notice.topic, notice.item and notice.item["sync"]) == (Topic.RECOVERED, failed.id)
    assert recovered(database) == []


def test_the_sync_of_a_later_push_recovers_an_earlier_one(database: Database) -> None:
    failed = put(database, State.EXHAUSTED)
    put(database, State.VERIFIED, tag="v2", verified_at=NOW)
    remember(database, failed.id)
    assert recovered(database) == []

    later = put(database, State.VERIFIED, verified_at=NOW)
    assert [notice.item and notice.item["sync"] for notice in recovered(database)] == [later.id]


def test_a_cancelled_sync_is_forgotten(database: Database) -> None:
    failed = put(database, State.REJECTED)
    remember(database, failed.id)
    set_state(database, failed.id, State.CANCELLED)
    assert recovered(database) == []

    set_state(database, failed.id, State.VERIFIED)
    assert recovered(database) == []


def test_a_quarantined_delivery_is_found_once_and_after_its_commit(database: Database) -> None:
    begin = datetime.now(UTC)

    def search(seconds: int) -> list[str]:
        with database.write() as connection:
            found = problems.quarantined_deliveries(connection, begin + seconds * SECOND)
        return [str(notice.item and notice.item["reason"]) for notice in found]

    search(0)
    write(database, entry(outcome=Outcome.QUARANTINED, reason="which?", planned=[], sender="ci"))
    write(database, entry(push()))

    assert search(1) == []
    assert search(60) == ["which?"]
    assert search(120) == []


def test_a_way_is_held_up_by_an_open_breaker_for_a_minute(database: Database) -> None:
    since, code = NOW - 2 * MINUTE, "not_asked"
    put(database, failing_since=since, error_code=code, error_message="no answer")
    put(database, tag="v2", failing_since=NOW - SECOND, error_code=code)
    other = Target("ap-southeast-1", "team")
    lane = type(LANE)("cn-north-4", "team", "web/shop", other, override=False)
    put(database, lane=lane, tag="v3", failing_since=since, error_code="A.1")

    with database.read() as connection:
        ways = problems.held_up_ways(connection, NOW)

    assert list(ways) == ["cn-north-4>cn-east-3"]
    assert ways["cn-north-4>cn-east-3"]["message"] == "no answer"


def compare(
    database: Database, topic: Topic, *keys: str, after: timedelta = timedelta(), prefix: str = ""
) -> list[tuple[str, bool]]:
    problems = [Problem(key, {"message": "m", "sender": key}, {"sender": key}) for key in keys]
    with database.write() as connection:
        notices = update_problems(connection, topic, prefix, problems, NOW + after)
    return [(notice.cause, "is_over" in notice.facts) for notice in notices]


def test_a_problem_is_told_when_it_begins_and_when_it_is_over(database: Database) -> None:
    assert compare(database, Topic.SENDER, "ci", "harbor") == [("ci", False), ("harbor", False)]
    assert compare(database, Topic.SENDER, "ci", "harbor") == []
    assert compare(database, Topic.SENDER, "harbor") == [("ci:over", True)]
    with database.read() as connection:
        assert has_problems(connection, Topic.SENDER)
        assert not has_problems(connection, Topic.REGION)


def test_a_gap_shorter_than_a_minute_does_not_end_a_region_s_problem(database: Database) -> None:
    compare(database, Topic.REGION, "a>b")

    assert compare(database, Topic.REGION, after=30 * SECOND) == []
    assert compare(database, Topic.REGION, "a>b", after=40 * SECOND) == []
    assert compare(database, Topic.REGION, after=40 * SECOND + OVER_AFTER) == [("a>b:over", True)]


def test_a_process_leaves_the_problems_of_others_alone(database: Database) -> None:
    compare(database, Topic.CONFIGURATION, "h1", prefix="h1")

    assert compare(database, Topic.CONFIGURATION, after=5 * MINUTE, prefix="h2") == []
    assert compare(database, Topic.CONFIGURATION, after=5 * MINUTE, prefix="h1") == [
        ("h1:over", True)
    ]
