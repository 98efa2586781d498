"""Decisions on a sync in `calling`: the answer of sync_images, or none."""

from dataclasses import replace
from datetime import timedelta

import pytest

from swrhook.errors import Kind
from swrhook.syncs.decisions import MAX_LOST_CLAIMS
from swrhook.syncs.states import Event
from tests.syncs.samples import LIMITS, NEVER_KINDS, NOW, SECOND, calling, decider, error, sync

# calling: the answer of sync_images


def test_a_200_triggers_the_sync_and_the_target_is_polled_soon() -> None:
    worn = calling(failures=3, failing_since=NOW, lost_claims=2, waiting_since=NOW, polls=5)

    decision = decider().decide_after_call(worn, None, tags_in_call=1)

    assert (decision.event, decision.due_at, decision.reason) == (Event.TRIGGER, NOW + SECOND, None)
    assert decision.values == {
        "polls": 0,
        "failures": 0,
        "lost_claims": 0,
        "waiting_since": None,
        "failing_since": None,
        "verifying_since": NOW,
    }


@pytest.mark.parametrize("kind", [Kind.PERMANENT, Kind.TRANSIENT, Kind.CONFIGURATION])
def test_a_failed_tag_is_retried(kind: Kind) -> None:
    failed = error(kind, failed_tags=frozenset({"v1"}))

    decision = decider().decide_after_call(calling(), failed, tags_in_call=3)

    assert (decision.event, decision.due_at) == (Event.REQUEUE, NOW + SECOND)
    late = calling(failing_since=NOW - LIMITS.retry.deadline)
    assert decider().decide_after_call(late, failed, tags_in_call=3).event is Event.GIVE_UP


def test_a_tag_that_is_not_among_the_failed_ones_is_triggered() -> None:
    others = error(Kind.PERMANENT, failed_tags=frozenset({"v2"}))

    decision = decider().decide_after_call(calling(), others, tags_in_call=2)

    assert (decision.event, decision.reason) == (
        Event.TRIGGER,
        "not among the failed tags of SVC.1",
    )


@pytest.mark.parametrize("kind", NEVER_KINDS)
def test_a_call_that_may_succeed_later_is_retried_with_backoff(kind: Kind) -> None:
    waits = []
    now, failing = NOW, calling()
    for _ in range(12):
        decision = decider(now).decide_after_call(failing, error(kind), tags_in_call=1)
        assert (decision.event, decision.reason) == (Event.REQUEUE, "what SWR said")
        assert decision.due_at is not None
        waits.append((decision.due_at - now).total_seconds())
        now, failing = decision.due_at, replace(failing, **decision.values)

    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]
    assert failing.failing_since == NOW


def test_a_failed_call_resets_the_time_of_waiting_for_the_source() -> None:
    """Otherwise, a single read without the tag after long failures would end it as missing."""
    waited = replace(calling(), waiting_since=NOW - timedelta(hours=1))

    decision = decider().decide_after_call(waited, error(Kind.TRANSIENT), tags_in_call=1)

    assert decision.values["waiting_since"] is None


def test_a_throttled_call_waits_for_retry_after_plus_jitter() -> None:
    throttled = error(Kind.THROTTLED, retry_after=30.0)

    decision = decider().decide_after_call(calling(), throttled, tags_in_call=1)

    assert (decision.event, decision.due_at) == (Event.REQUEUE, NOW + 31 * SECOND)


@pytest.mark.parametrize("kind", NEVER_KINDS)
def test_calls_that_fail_too_long_exhaust_the_sync(kind: Kind) -> None:
    failing = calling(failing_since=NOW, failures=50)

    late = decider(NOW + LIMITS.retry.deadline)

    assert late.decide_after_call(failing, error(kind), tags_in_call=1).event is Event.GIVE_UP


@pytest.mark.parametrize("kind", [Kind.PERMANENT, Kind.CONFIGURATION])
def test_a_permanent_error_rejects_the_sync_with_a_remedy(kind: Kind) -> None:
    decision = decider().decide_after_call(calling(), error(kind), tags_in_call=1)

    assert (decision.event, decision.reason) == (Event.REJECT, "what SWR said")
    assert decision.error is not None
    assert decision.error.remedy == "what to do"


def test_a_configuration_error_rejects_every_tag_of_the_call() -> None:
    decision = decider().decide_after_call(calling(), error(Kind.CONFIGURATION), tags_in_call=7)

    assert decision.event is Event.REJECT


def test_after_a_permanent_error_of_several_tags_each_is_retried_alone_at_once() -> None:
    decision = decider().decide_after_call(
        calling(lost_claims=2), error(Kind.PERMANENT), tags_in_call=2
    )

    assert (decision.event, decision.due_at) == (Event.REQUEUE, NOW)
    assert decision.values == {"alone": True, "lost_claims": 0}
    alone = decider().decide_after_call(calling(alone=True), error(Kind.PERMANENT), tags_in_call=1)
    assert alone.event is Event.REJECT


def test_a_call_for_a_tag_missing_at_the_source_is_not_counted_as_an_attempt() -> None:
    not_yet = error(Kind.NOT_YET)

    decision = decider().decide_after_call(
        calling(attempts=1, lost_claims=4), not_yet, tags_in_call=1
    )

    assert (decision.event, decision.due_at) == (Event.WAIT_FOR_SOURCE, NOW + SECOND)
    assert decision.values == {
        "waiting_since": NOW,
        "polls": 1,
        "attempts": 0,
        "lost_claims": 0,
    }
    late = calling(waiting_since=NOW - LIMITS.source_deadline)
    assert decider().decide_after_call(late, not_yet, tags_in_call=1).event is Event.MARK_MISSING


# calling: the worker vanished


def test_after_the_first_lost_claim_the_sync_is_due_at_once() -> None:
    decision = decider().decide_after_lost_claim(calling())

    assert (decision.event, decision.due_at) == (Event.REQUEUE, NOW)
    assert decision.values == {"lost_claims": 1}


def test_lost_claims_in_a_row_wait_longer_and_the_fifth_exhausts_the_sync() -> None:
    decisions = [
        decider().decide_after_lost_claim(calling(lost_claims=lost))
        for lost in range(MAX_LOST_CLAIMS)
    ]

    assert [decision.event for decision in decisions] == [Event.REQUEUE] * 4 + [Event.GIVE_UP]
    waits = [decision.due_at - NOW for decision in decisions if decision.due_at is not None]
    assert waits == [0 * SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND]


def test_a_failed_read_does_not_reset_the_count_of_lost_claims() -> None:
    looked = decider().decide_before_call(sync(lost_claims=4), error(), None, call_open=False)

    assert "lost_claims" not in looked.values


def test_an_answered_call_resets_the_count_of_lost_claims() -> None:
    answered = decider().decide_after_call(calling(lost_claims=4), error(), tags_in_call=1)

    assert answered.values["lost_claims"] == 0
