"""Decisions on a pending sync, after its source and its target were read."""

from dataclasses import replace
from datetime import timedelta

import pytest

from swrhook.errors import Kind, SwrError
from swrhook.syncs.decisions import Decision
from swrhook.syncs.states import Event
from tests.syncs.samples import LIMITS, NEVER_KINDS, NOW, SECOND, A, B, decider, error, sync

# pending: reading the source


def test_a_sync_waits_for_a_tag_that_is_missing_at_the_source() -> None:
    decision = decider().decide_before_call(sync(), None, None, call_open=False)

    assert (decision.event, decision.due_at) == (Event.WAIT_FOR_SOURCE, NOW + SECOND)
    assert decision.reason == "not in cn-north-4 yet"
    assert decision.values == {"waiting_since": NOW, "polls": 1}  # and no attempt is counted


def test_the_source_is_polled_on_the_schedule_of_verify() -> None:
    waits = []
    now, waiting = NOW, sync()
    for _ in range(9):
        decision = decider(now).decide_before_call(waiting, None, None, call_open=False)
        assert decision.due_at is not None
        waits.append((decision.due_at - now).total_seconds())
        now, waiting = decision.due_at, replace(waiting, **decision.values)

    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert waiting.waiting_since == NOW


def test_after_the_source_deadline_the_sync_is_missing() -> None:
    waiting = sync(waiting_since=NOW, polls=30)

    last = decider(NOW + LIMITS.source_deadline - SECOND)
    assert (
        last.decide_before_call(waiting, None, None, call_open=False).event is Event.WAIT_FOR_SOURCE
    )
    late = decider(NOW + LIMITS.source_deadline)
    decision = late.decide_before_call(waiting, None, None, call_open=False)
    assert (decision.event, decision.reason) == (
        Event.MARK_MISSING,
        "never appeared in the source region",
    )


def test_a_deadline_that_passed_in_a_downtime_ends_no_sync_before_a_read() -> None:
    much_later = decider(NOW + timedelta(days=3))

    decision = much_later.decide_before_call(sync(waiting_since=NOW), A, None, call_open=False)

    assert decision.event is Event.CLAIM


@pytest.mark.parametrize("kind", NEVER_KINDS)
def test_a_failed_read_of_the_source_is_repeated_later(kind: Kind) -> None:
    decision = decider().decide_before_call(sync(), error(kind), None, call_open=False)

    assert (decision.event, decision.due_at) == (Event.POSTPONE, NOW + SECOND)
    assert decision.values == {"failing_since": NOW, "failures": 1}
    assert decision.error is not None


def test_reads_of_the_source_that_fail_too_long_exhaust_the_sync() -> None:
    failing = sync(failing_since=NOW, failures=99)

    last = decider(NOW + LIMITS.retry.deadline - SECOND)
    assert last.decide_before_call(failing, error(), None, call_open=False).event is Event.POSTPONE
    late = decider(NOW + LIMITS.retry.deadline)
    decision = late.decide_before_call(failing, error(), None, call_open=False)
    assert (decision.event, decision.reason) == (Event.GIVE_UP, "what SWR said")


@pytest.mark.parametrize(
    ("remedy", "shown"),
    [
        ("", "swrhook has stopped trying: retry it when SWR answers again"),
        (
            "nothing to do: it is tried again",
            "swrhook has stopped trying: retry it when SWR answers again",
        ),
        ("check the endpoint", "check the endpoint"),
    ],
)
def test_the_remedy_of_an_exhausted_sync_promises_no_retry(remedy: str, shown: str) -> None:
    failed = SwrError(Kind.TRANSIENT, "SVC.1", "what SWR said", remedy=remedy)
    late = decider(NOW + LIMITS.retry.deadline)

    decision = late.decide_before_call(sync(failing_since=NOW), failed, None, call_open=False)

    assert decision.error is not None
    assert (decision.event, decision.error.remedy) == (Event.GIVE_UP, shown)


def test_a_source_without_read_permission_does_not_prevent_the_call() -> None:
    forbidden = error(Kind.CONFIGURATION)

    decision = decider().decide_before_call(sync(), forbidden, A, call_open=False)

    assert Decision(Event.CLAIM, values={"called_digest": None}) == decision


# pending: reading the target


def test_a_tag_that_is_already_at_the_target_is_verified_without_a_call() -> None:
    decision = decider().decide_before_call(sync(), A, A, call_open=False)

    assert decision.event is Event.VERIFY_WITHOUT_CALL


def test_a_call_is_made_while_an_earlier_call_may_still_take_effect() -> None:
    decision = decider().decide_before_call(sync(), A, A, call_open=True)

    assert Decision(Event.CLAIM, values={"called_digest": A}) == decision


def test_the_sources_digest_counts_rather_than_the_senders() -> None:
    announced = sync(digest=A)

    assert (
        decider().decide_before_call(announced, B, B, call_open=False).event
        is Event.VERIFY_WITHOUT_CALL
    )
    decision = decider().decide_before_call(announced, B, A, call_open=False)
    assert Decision(Event.CLAIM, values={"called_digest": B}) == decision


@pytest.mark.parametrize("target", [None, B, error(), error(Kind.CONFIGURATION)])
def test_any_other_digest_at_the_target_leads_to_a_call(target: str | SwrError | None) -> None:
    decision = decider().decide_before_call(sync(), A, target, call_open=False)

    assert Decision(Event.CLAIM, values={"called_digest": A}) == decision
