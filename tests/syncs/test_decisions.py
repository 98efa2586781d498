"""Every decision on a sync after its regions were read or a call ended."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from swrhook.errors import CircuitOpen, Kind, SwrError
from swrhook.model import Lane, State, Sync, Target
from swrhook.syncs.backoff import Limits
from swrhook.syncs.decisions import FAILED_JOBS, MAX_LOST_CLAIMS, Decider, Decision
from swrhook.syncs.states import Event

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LIMITS = Limits()
A = "sha256:" + "aa" * 32
B = "sha256:" + "bb" * 32
C = "sha256:" + "cc" * 32

NEVER_KINDS = (Kind.TRANSIENT, Kind.THROTTLED, Kind.AUTHENTICATION)


class Longest(Random):
    """A random generator that always returns the longest wait."""

    def uniform(self, a: float, b: float) -> float:
        return max(a, b)


def error(kind: Kind = Kind.TRANSIENT, **more: Any) -> SwrError:
    return SwrError(kind, "SVC.1", "what SWR said", remedy="what to do", **more)


def decider(now: datetime = NOW) -> Decider:
    return Decider(LIMITS, now, Longest())


def sync(state: State = State.PENDING, *, override: bool = False, **changes: Any) -> Sync:
    lane = Lane("cn-north-4", "team", "web/shop", Target("cn-east-3", "team"), override)
    base = Sync(
        id="0" * 26,
        delivery=None,
        sender="harbor",
        lane=lane,
        tag="v1",
        digest=A,
        rule="all",
        state=state,
        attempts=0,
        created_at=NOW,
        updated_at=NOW,
        due_at=NOW,
    )
    return replace(base, **changes)


def calling(**changes: Any) -> Sync:
    return replace(sync(State.CALLING, attempts=1, called_digest=A), **changes)


def triggered(*, override: bool = False, **changes: Any) -> Sync:
    called = sync(State.TRIGGERED, override=override, attempts=1, called_digest=A)
    return replace(called, **({"verifying_since": NOW} | changes))


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


# triggered: reading the target


def test_the_sources_digest_at_the_target_verifies_the_sync() -> None:
    decision = decider().decide_after_observation(triggered(), A, A, call_open=False)

    assert Decision(Event.VERIFY) == decision


def test_no_sync_is_verified_while_a_call_for_another_digest_may_take_effect() -> None:
    decision = decider().decide_after_observation(triggered(), A, A, call_open=True)

    assert (decision.event, decision.due_at) == (Event.POLL, NOW + 2 * SECOND)


@pytest.mark.parametrize("target", [None, A, B, C, error(), error(Kind.CONFIGURATION)])
@pytest.mark.parametrize("call_open", [False, True])
def test_a_changed_source_digest_leads_to_another_call_at_once(
    target: str | SwrError | None, *, call_open: bool
) -> None:
    moved = triggered(called_digest=A, retriggers=3, override=True)

    decision = decider().decide_after_observation(moved, B, target, call_open=call_open)

    assert (decision.event, decision.due_at) == (Event.CALL_AGAIN, NOW)
    assert decision.values == {"polls": 0, "failing_since": None}  # it is no re-trigger


def test_after_the_call_the_tag_may_vanish_from_the_source() -> None:
    assert (
        decider().decide_after_observation(triggered(), None, A, call_open=False).event
        is Event.VERIFY
    )
    assert (
        decider().decide_after_observation(triggered(), None, None, call_open=False).event
        is Event.POLL
    )


@pytest.mark.parametrize(("target", "override"), [(None, False), (None, True), (B, True)])
def test_a_tag_that_is_not_at_the_target_yet_is_polled(
    target: str | None, *, override: bool
) -> None:
    waits = []
    now, polled = NOW, triggered(override=override)
    for _ in range(7):
        decision = decider(now).decide_after_observation(
            polled, A, target, call_open=False, job="init"
        )
        assert decision.event is Event.POLL
        assert decision.due_at is not None
        waits.append((decision.due_at - now).total_seconds())
        now, polled = decision.due_at, replace(polled, **decision.values)

    assert waits == [2, 4, 8, 16, 32, 60, 60]


@pytest.mark.parametrize("job", sorted(FAILED_JOBS))
@pytest.mark.parametrize(("target", "override"), [(None, False), (None, True), (B, True)])
def test_after_a_failed_job_the_call_is_repeated_with_growing_waits(
    job: str, target: str | None, *, override: bool
) -> None:
    again = [
        decider().decide_after_observation(
            triggered(override=override, retriggers=n), A, target, call_open=False, job=job
        )
        for n in range(LIMITS.verify.retriggers)
    ]

    assert [(Event.CALL_AGAIN, NOW + wait * SECOND) for wait in (1, 2, 4)] == [
        (decision.event, decision.due_at) for decision in again
    ]
    assert [(n, 0) for n in (1, 2, 3)] == [
        (v.values["retriggers"], v.values["polls"]) for v in again
    ]


@pytest.mark.parametrize(("target", "override"), [(None, False), (None, True), (B, True)])
def test_after_the_verify_deadline_the_call_is_repeated_at_once(
    target: str | None, *, override: bool
) -> None:
    late = decider(NOW + LIMITS.verify.deadline)

    decision = late.decide_after_observation(
        triggered(override=override), A, target, call_open=False
    )

    assert (Event.CALL_AGAIN, late.now) == (decision.event, decision.due_at)
    assert decision.values == {"retriggers": 1, "polls": 0, "failing_since": None}
    in_time = decider(NOW + LIMITS.verify.deadline - SECOND)
    early = in_time.decide_after_observation(
        triggered(override=override), A, target, call_open=False
    )
    assert early.event is Event.POLL


@pytest.mark.parametrize("job", [None, "failed"])
@pytest.mark.parametrize(("target", "end"), [(None, Event.MARK_MISSING), (B, Event.MARK_DIVERGED)])
def test_the_number_of_repeated_calls_is_limited(
    job: str | None, target: str | None, end: Event
) -> None:
    worn = triggered(override=True, retriggers=LIMITS.verify.retriggers)

    late = decider(NOW + LIMITS.verify.deadline)

    assert late.decide_after_observation(worn, A, target, call_open=False, job=job).event is end


def test_another_digest_without_override_diverges_at_once() -> None:
    decision = decider().decide_after_observation(triggered(override=False), A, B, call_open=False)

    assert decision.event is Event.MARK_DIVERGED
    assert decision.reason == f"the target has {B}, the source {A}"


@pytest.mark.parametrize("kind", NEVER_KINDS)
def test_an_unreadable_target_postpones_the_verify_deadline(kind: Kind) -> None:
    looked = NOW + 20 * SECOND
    polled = triggered(updated_at=looked, polls=2)

    decision = decider(looked + 60 * SECOND).decide_after_observation(
        polled, A, error(kind), call_open=False
    )

    assert (Event.POLL, looked + 68 * SECOND) == (decision.event, decision.due_at)
    assert decision.values == {
        "polls": 3,
        "failing_since": looked + 60 * SECOND,
        "verifying_since": NOW + 60 * SECOND,
    }


def test_a_target_unreadable_for_long_ends_no_sync() -> None:
    now, polled = NOW, triggered()
    while now < NOW + 3 * LIMITS.verify.deadline:
        decision = decider(now).decide_after_observation(polled, A, error(), call_open=False)
        assert decision.event is Event.POLL
        assert decision.due_at is not None
        polled = replace(polled, updated_at=now, **decision.values)
        now = decision.due_at

    assert (
        decider(now).decide_after_observation(polled, A, None, call_open=False).event is Event.POLL
    )


def test_an_unreadable_source_is_polled_too() -> None:
    decision = decider(NOW + SECOND).decide_after_observation(
        triggered(), error(), A, call_open=False
    )

    assert decision.event is Event.POLL


def test_a_target_without_read_permission_is_unverified_with_the_reason() -> None:
    forbidden = error(Kind.CONFIGURATION)

    decision = decider().decide_after_observation(triggered(), A, forbidden, call_open=False)

    assert (
        decision.event,
        decision.reason,
    ) == (Event.MARK_UNVERIFIED, "the target cannot be read: what SWR said")


@pytest.mark.parametrize("job", sorted(FAILED_JOBS))
def test_a_failed_job_counts_if_the_target_cannot_be_read(job: str) -> None:
    forbidden = error(Kind.CONFIGURATION)
    worn = triggered(retriggers=LIMITS.verify.retriggers)

    again = decider().decide_after_observation(triggered(), A, forbidden, call_open=False, job=job)
    ended = decider().decide_after_observation(worn, A, forbidden, call_open=False, job=job)

    assert (again.event, ended.event) == (Event.CALL_AGAIN, Event.MARK_MISSING)


# triggered: a source without read permission


def test_the_announced_digest_replaces_that_of_an_unreadable_source() -> None:
    blind = triggered(called_digest=None, digest=A)
    forbidden = error(Kind.CONFIGURATION)

    assert (
        decider().decide_after_observation(blind, forbidden, A, call_open=False).event
        is Event.VERIFY
    )
    assert (
        decider().decide_after_observation(blind, forbidden, B, call_open=False).event
        is Event.MARK_DIVERGED
    )


def test_a_tag_at_the_target_is_unverified_without_a_digest_to_compare() -> None:
    blind = triggered(called_digest=None, digest=None)

    decision = decider().decide_after_observation(
        blind, error(Kind.CONFIGURATION), B, call_open=False
    )

    assert decision.event is Event.MARK_UNVERIFIED
    missing = decider().decide_after_observation(
        blind, error(Kind.CONFIGURATION), None, call_open=False
    )
    assert missing.event is Event.POLL


@pytest.mark.parametrize("hidden", ["source", "target"])
@pytest.mark.parametrize(
    ("job", "event"), [(None, Event.GIVE_UP), ("success", Event.MARK_UNVERIFIED)]
)
def test_reads_that_always_fail_end_the_sync(hidden: str, job: str | None, event: Event) -> None:
    failing = triggered(failing_since=NOW)
    source, target = (error(), A) if hidden == "source" else (A, error())

    in_time = decider(NOW + LIMITS.retry.deadline - SECOND)
    late = decider(NOW + LIMITS.retry.deadline)

    assert (
        in_time.decide_after_observation(failing, source, target, call_open=False, job=job).event
        is Event.POLL
    )
    assert (
        late.decide_after_observation(failing, source, target, call_open=False, job=job).event
        is event
    )


def test_a_successful_read_resets_the_time_of_failures() -> None:
    decision = decider().decide_after_observation(
        triggered(failing_since=NOW), A, None, call_open=False
    )

    assert (decision.event, decision.values["failing_since"]) == (Event.POLL, None)


def test_an_open_circuit_counts_as_no_failure_but_the_deadline_goes_on() -> None:
    alone = CircuitOpen("cn-north-4 is not asked", retry_after=30.0)
    due = sync(failures=3)

    decision = decider().decide_postponed(due, alone)

    assert (decision.event, decision.due_at) == (Event.POSTPONE, NOW + 31 * SECOND)
    assert decision.reason == "cn-north-4 is not asked"
    assert decision.values == {"failing_since": NOW}
    late = decider(NOW + LIMITS.retry.deadline)
    assert late.decide_postponed(replace(due, failing_since=NOW), alone).event is Event.GIVE_UP


def test_the_verify_deadline_is_paused_while_a_region_is_not_configured() -> None:
    polled = triggered(verifying_since=NOW, updated_at=NOW + 10 * SECOND)

    decision = decider(NOW + 3600 * SECOND).decide_held(polled, "not in the configuration")

    assert decision.values == {"verifying_since": NOW + 3590 * SECOND}
