from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import update

from swrhook.errors import Kind, SwrError
from swrhook.ledger.calls import claim, settle
from swrhook.ledger.queries.sync_timeline import SyncTimeline, read_timeline
from swrhook.ledger.syncs import apply_decision, due_syncs
from swrhook.ledger.tables import syncs
from swrhook.syncs.decisions import Decision
from swrhook.syncs.states import Event
from swrhook.web.dashboard.timeline import steps
from tests.web.parts import EAST, HONG_KONG, NOW, Parts

SECOND = timedelta(seconds=1)
BUSY = SwrError(Kind.TRANSIENT, "SVCSTG.SWR.500", "try later")


def life(parts: Parts, sync_id: str) -> SyncTimeline:
    with parts.database.read() as connection:
        found = read_timeline(connection, sync_id)
    assert found is not None
    return found


def titles(parts: Parts, sync_id: str) -> list[str]:
    return [step.title for step in steps(life(parts, sync_id))]


def call(parts: Parts, sync_id: str, event: Event, error: SwrError | None, **values: Any) -> None:
    """Carry out a call as the worker does, answered with the error or without one."""
    lane = life(parts, sync_id).progress.lane
    with parts.database.write() as connection:
        [sync] = due_syncs(connection, lane, until=NOW + SECOND, limit=10)
        wanted = [(sync, Decision(Event.CLAIM, values={"called_digest": None}))]
        made, won = claim(connection, lane, wanted, frozenset(), NOW)
        verdict = Decision(event, NOW + SECOND, error=error, values=values)
        settle(connection, made, [(won[0], verdict)], error, NOW)


@pytest.fixture
def sync(parts: Parts) -> str:
    return parts.push("team/web:v1").syncs[0].id


def test_before_any_look_it_is_received_matched_and_due(parts: Parts, sync: str) -> None:
    found = steps(life(parts, sync))

    assert [s.title for s in found] == ["Received", "Matched", "Now: pending", "Next look or try"]
    assert "The rule «all» (configuration 0123456789ab)" in str(found[1].text)
    assert life(parts, sync).sync.delivery == found[0].delivery


def test_every_call_is_told_with_its_answer(parts: Parts, sync: str) -> None:
    call(parts, sync, Event.REQUEUE, BUSY, failing_since=NOW, failures=1)
    call(parts, sync, Event.TRIGGER, None, verifying_since=NOW, failing_since=None)
    found = steps(life(parts, sync))

    assert [
        (s.title, s.text) for s in found if s.title in ("SWR answered with an error", "Triggered")
    ] == [
        ("SWR answered with an error", "SVCSTG.SWR.500: try later"),
        ("Triggered", "SWR took the call; that is no proof yet."),
    ]
    assert [s.title for s in found if s.title == "Called"] == ["Called", "Called"]
    assert "Looking at the target" in [s.title for s in found]


def test_a_call_that_was_never_answered_is_told_without_an_answer(parts: Parts, sync: str) -> None:
    lane = life(parts, sync).progress.lane
    with parts.database.write() as connection:
        [each] = due_syncs(connection, lane, until=NOW + SECOND, limit=10)
        claim(connection, lane, [(each, Decision(Event.CLAIM))], frozenset(), NOW)

    assert titles(parts, sync) == ["Received", "Matched", "Called", "Now: calling"]


def test_calls_before_a_change_of_override_are_told_too(parts: Parts, sync: str) -> None:
    call(parts, sync, Event.REQUEUE, BUSY)
    lane = replace(life(parts, sync).progress.lane, override=True)
    with parts.database.write() as connection:
        connection.execute(update(syncs).values(lane=lane.key, override=True))

    assert len(life(parts, sync).calls) == 1


def test_waiting_for_the_source_and_failing_are_told_since_when(parts: Parts, sync: str) -> None:
    with parts.database.write() as connection:
        connection.execute(update(syncs).values(waiting_since=NOW, failing_since=NOW, failures=3))
    found = {step.title: step for step in steps(life(parts, sync))}

    assert "cn-north-4 did not hold the tag yet" in str(found["Waiting for the source"].text)
    assert found["Failing"].text == "Tries failed since then: 3."


def test_a_sync_that_was_not_tried_at_all_has_no_tries(parts: Parts, sync: str) -> None:
    with parts.database.write() as connection:
        connection.execute(update(syncs).values(failing_since=NOW, failures=0))
    found = {step.title: step for step in steps(life(parts, sync))}

    assert found["Failing"].text == "It waits for a region that fails."


def test_a_superseded_one_leads_to_the_later_one(parts: Parts, sync: str) -> None:
    later = parts.push("team/web:v1", digest=None).syncs[0].id
    last = steps(life(parts, sync))[-1]

    assert ("Superseded", later) == (last.title, last.sync)


def test_what_nobody_announced_says_so(parts: Parts, sync: str) -> None:
    with parts.database.write() as connection:
        connection.execute(update(syncs).values(delivery=None))

    assert titles(parts, sync)[0] == "Ordered without a delivery"


def test_the_end_says_why(parts: Parts, sync: str) -> None:
    with parts.database.write() as connection:
        progress = life(parts, sync).progress
        apply_decision(
            connection,
            progress,
            Decision(Event.VERIFY_WITHOUT_CALL, reason="it was there already"),
            NOW,
        )
    last = steps(life(parts, sync))[-1]

    assert (last.title, last.tone) == ("Verified", "good")
    assert str(last.text).endswith("digest. It was there already.")


def test_the_same_tag_elsewhere_is_found_once_for_each_target(parts: Parts, sync: str) -> None:
    for _ in range(2):
        parts.push("team/web:v1", EAST, HONG_KONG, digest=None)
    others = life(parts, sync).others

    assert [other.target_region for other in others] == ["ap-southeast-1", "cn-east-3"]
