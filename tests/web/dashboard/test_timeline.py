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
from tests.web.harness import EAST, HONG_KONG, NOW, WebHarness

SECOND = timedelta(seconds=1)
BUSY = SwrError(Kind.TRANSIENT, "SVCSTG.SWR.500", "try later")


def timeline_of(harness: WebHarness, sync_id: str) -> SyncTimeline:
    with harness.database.read() as connection:
        timeline = read_timeline(connection, sync_id)
    assert timeline is not None
    return timeline


def titles(harness: WebHarness, sync_id: str) -> list[str]:
    return [step.title for step in steps(timeline_of(harness, sync_id))]


def make_call(
    harness: WebHarness, sync_id: str, event: Event, error: SwrError | None, **values: Any
) -> None:
    """Carry out a call as the worker does, answered with the error or without one."""
    lane = timeline_of(harness, sync_id).progress.lane
    with harness.database.write() as connection:
        [sync] = due_syncs(connection, lane, until=NOW + SECOND, limit=10)
        claimed = [(sync, Decision(Event.CLAIM, values={"called_digest": None}))]
        call, won = claim(connection, lane, claimed, frozenset(), NOW)
        decision = Decision(event, NOW + SECOND, error=error, values=values)
        settle(connection, call, [(won[0], decision)], error, NOW)


@pytest.fixture
def sync(harness: WebHarness) -> str:
    return harness.push("team/web:v1").syncs[0].id


def test_a_new_sync_is_received_matched_and_pending(harness: WebHarness, sync: str) -> None:
    history = steps(timeline_of(harness, sync))

    assert [s.title for s in history] == [
        "Received",
        "Matched",
        "Now: pending",
        "Next check or attempt",
    ]
    assert 'The rule "all" (configuration 0123456789ab)' in str(history[1].text)
    assert timeline_of(harness, sync).sync.delivery == history[0].delivery


def test_every_call_is_shown_with_its_answer(harness: WebHarness, sync: str) -> None:
    make_call(harness, sync, Event.REQUEUE, BUSY, failing_since=NOW, failures=1)
    make_call(harness, sync, Event.TRIGGER, None, verifying_since=NOW, failing_since=None)
    history = steps(timeline_of(harness, sync))

    assert [
        (s.title, s.text) for s in history if s.title in ("SWR answered with an error", "Triggered")
    ] == [
        ("SWR answered with an error", "try later (SVCSTG.SWR.500)"),
        ("Triggered", "SWR accepted the call; the copy is not verified yet."),
    ]
    assert [s.title for s in history if s.title == "Called"] == ["Called", "Called"]
    assert "Checking the target" in [s.title for s in history]


def test_a_call_in_flight_is_shown_without_an_answer(harness: WebHarness, sync: str) -> None:
    lane = timeline_of(harness, sync).progress.lane
    with harness.database.write() as connection:
        [pending] = due_syncs(connection, lane, until=NOW + SECOND, limit=10)
        claim(connection, lane, [(pending, Decision(Event.CLAIM))], frozenset(), NOW)

    assert titles(harness, sync) == ["Received", "Matched", "Called", "Now: calling"]


def test_calls_before_a_change_of_override_are_shown_too(harness: WebHarness, sync: str) -> None:
    make_call(harness, sync, Event.REQUEUE, BUSY)
    lane = replace(timeline_of(harness, sync).progress.lane, override=True)
    with harness.database.write() as connection:
        connection.execute(update(syncs).values(lane=lane.key, override=True))

    assert len(timeline_of(harness, sync).calls) == 1


def test_the_present_says_how_many_attempts_failed(harness: WebHarness, sync: str) -> None:
    with harness.database.write() as connection:
        connection.execute(update(syncs).values(waiting_since=NOW, failing_since=NOW, failures=3))
    by_title = {step.title: step for step in steps(timeline_of(harness, sync))}

    assert "The tag was not in cn-north-4 yet" in str(by_title["Waiting for the source"].text)
    assert by_title["Failing"].text == "Requests to SWR began to fail."
    assert str(by_title["Now: pending"].text).endswith("3 attempts in a row failed so far.")


def test_the_present_says_how_often_the_target_was_checked(harness: WebHarness, sync: str) -> None:
    make_call(harness, sync, Event.TRIGGER, None, verifying_since=NOW)
    with harness.database.write() as connection:
        connection.execute(update(syncs).values(polls=2))
    by_title = {step.title: step for step in steps(timeline_of(harness, sync))}

    assert str(by_title["Now: triggered"].text).endswith("Checked 2 times so far.")


def test_a_postponed_sync_without_attempts_waits_for_its_region(
    harness: WebHarness, sync: str
) -> None:
    with harness.database.write() as connection:
        connection.execute(update(syncs).values(failing_since=NOW, failures=0))
    by_title = {step.title: step for step in steps(timeline_of(harness, sync))}

    assert by_title["Failing"].text == "Waiting for a failing region to recover."


def test_a_superseded_sync_links_to_the_later_one(harness: WebHarness, sync: str) -> None:
    later = harness.push("team/web:v1", digest=None).syncs[0].id
    last = steps(timeline_of(harness, sync))[-1]

    assert (last.title, last.sync) == ("Superseded", later)


def test_a_sync_without_a_delivery_was_ordered(harness: WebHarness, sync: str) -> None:
    with harness.database.write() as connection:
        connection.execute(update(syncs).values(delivery=None))

    assert titles(harness, sync)[0] == "Ordered without a delivery"


def test_the_last_step_has_the_reason(harness: WebHarness, sync: str) -> None:
    with harness.database.write() as connection:
        progress = timeline_of(harness, sync).progress
        apply_decision(
            connection,
            progress,
            Decision(Event.VERIFY_WITHOUT_CALL, reason="it was there already"),
            NOW,
        )
    last = steps(timeline_of(harness, sync))[-1]

    assert (last.title, last.tone) == ("Verified", "good")
    assert str(last.text).endswith("digest. It was there already.")


def test_other_targets_of_the_tag_are_shown_once(harness: WebHarness, sync: str) -> None:
    for _ in range(2):
        harness.push("team/web:v1", EAST, HONG_KONG, digest=None)
    others = timeline_of(harness, sync).others

    assert [other.target_region for other in others] == ["ap-southeast-1", "cn-east-3"]
