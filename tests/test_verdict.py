"""Every row of the design's table: what becomes of a sync after a look or a call."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random
from typing import Any

import pytest

from swrhook.errors import CircuitOpen, Kind, SwrError
from swrhook.model import Lane, State, Sync, Target
from swrhook.syncs.backoff import Limits
from swrhook.syncs.decisions import FAILED_JOBS, MOST_LOST_CLAIMS, Decider, Decision
from swrhook.syncs.states import Event

NOW = datetime(2026, 3, 4, 5, 6, 7, tzinfo=UTC)
SECOND = timedelta(seconds=1)
LIMITS = Limits()
A = "sha256:" + "aa" * 32
B = "sha256:" + "bb" * 32
C = "sha256:" + "cc" * 32

NEVER_KINDS = (Kind.TRANSIENT, Kind.THROTTLED, Kind.AUTHENTICATION)


class Longest(Random):
    """Chance that always has the longest wait in store."""

    def uniform(self, a: float, b: float) -> float:
        return max(a, b)


def error(kind: Kind = Kind.TRANSIENT, **more: Any) -> SwrError:
    return SwrError(kind, "SVC.1", "what SWR said", remedy="what to do", **more)


def judge(now: datetime = NOW) -> Decider:
    return Decider(LIMITS, now, Longest())


def sync(state: State = State.PENDING, *, override: bool = False, **changes: Any) -> Sync:
    lane = Lane("cn-north-4", "team", "web/shop", Target("cn-east-3", "team"), override)
    made = Sync(
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
    return replace(made, **changes)


def calling(**changes: Any) -> Sync:
    return replace(sync(State.CALLING, attempts=1, called_digest=A), **changes)


def triggered(*, override: bool = False, **changes: Any) -> Sync:
    called = sync(State.TRIGGERED, override=override, attempts=1, called_digest=A)
    return replace(called, **({"verifying_since": NOW} | changes))


# due: the look at the source


def test_a_tag_not_at_the_source_is_waited_for() -> None:
    verdict = judge().decide_before_call(sync(), None, None, call_open=False)

    assert (verdict.event, verdict.due_at) == (Event.WAIT, NOW + SECOND)
    assert verdict.reason == "not in cn-north-4 yet"
    assert verdict.values == {"waiting_since": NOW, "polls": 1}  # and no attempt is counted


def test_it_is_looked_for_on_verifys_schedule() -> None:
    waits = []
    now, waiting = NOW, sync()
    for _ in range(9):
        verdict = judge(now).decide_before_call(waiting, None, None, call_open=False)
        assert verdict.due_at is not None
        waits.append((verdict.due_at - now).total_seconds())
        now, waiting = verdict.due_at, replace(waiting, **verdict.values)

    assert waits == [1, 2, 4, 8, 16, 32, 60, 60, 60]
    assert waiting.waiting_since == NOW


def test_after_the_source_deadline_it_is_missing() -> None:
    waiting = sync(waiting_since=NOW, polls=30)

    last = judge(NOW + LIMITS.source_deadline - SECOND)
    assert Event.WAIT is last.decide_before_call(waiting, None, None, call_open=False).event
    late = judge(NOW + LIMITS.source_deadline)
    verdict = late.decide_before_call(waiting, None, None, call_open=False)
    assert (verdict.event, verdict.reason) == (Event.MISS, "never appeared at the source")


def test_a_deadline_that_passed_during_a_downtime_ends_nothing_before_a_look() -> None:
    much_later = judge(NOW + timedelta(days=3))

    verdict = much_later.decide_before_call(sync(waiting_since=NOW), A, None, call_open=False)

    assert Event.CLAIM is verdict.event


@pytest.mark.parametrize("kind", NEVER_KINDS)
def test_a_look_at_the_source_that_fails_is_repeated_later(kind: Kind) -> None:
    verdict = judge().decide_before_call(sync(), error(kind), None, call_open=False)

    assert (verdict.event, verdict.due_at) == (Event.POSTPONE, NOW + SECOND)
    assert verdict.values == {"failing_since": NOW, "failures": 1}
    assert verdict.error is not None


def test_looks_at_the_source_that_fail_too_long_exhaust_the_sync() -> None:
    failing = sync(failing_since=NOW, failures=99)

    last = judge(NOW + LIMITS.retry.deadline - SECOND)
    assert Event.POSTPONE is last.decide_before_call(failing, error(), None, call_open=False).event
    late = judge(NOW + LIMITS.retry.deadline)
    verdict = late.decide_before_call(failing, error(), None, call_open=False)
    assert (verdict.event, verdict.reason) == (Event.GIVE_UP, "what SWR said")


@pytest.mark.parametrize(
    ("told", "shown"),
    [
        ("", "swrhook has stopped trying: retry it when SWR answers again"),
        (
            "nothing to do: it is tried again",
            "swrhook has stopped trying: retry it when SWR answers again",
        ),
        ("check the endpoint", "check the endpoint"),
    ],
)
def test_what_is_given_up_does_not_promise_another_try(told: str, shown: str) -> None:
    failed = SwrError(Kind.TRANSIENT, "SVC.1", "what SWR said", remedy=told)
    late = judge(NOW + LIMITS.retry.deadline)

    verdict = late.decide_before_call(sync(failing_since=NOW), failed, None, call_open=False)

    assert verdict.error is not None
    assert (Event.GIVE_UP, shown) == (verdict.event, verdict.error.remedy)


def test_a_source_that_we_may_not_read_is_called_without_a_look() -> None:
    forbidden = error(Kind.CONFIGURATION)

    verdict = judge().decide_before_call(sync(), forbidden, A, call_open=False)

    assert Decision(Event.CLAIM, values={"called_digest": None}) == verdict


# due: the look at the target


def test_what_the_target_holds_already_is_verified_without_a_call() -> None:
    verdict = judge().decide_before_call(sync(), A, A, call_open=False)

    assert Event.FIND is verdict.event


def test_it_is_called_all_the_same_while_an_earlier_call_may_still_act() -> None:
    verdict = judge().decide_before_call(sync(), A, A, call_open=True)

    assert Decision(Event.CLAIM, values={"called_digest": A}) == verdict


def test_the_source_decides_what_is_wanted_not_the_sender() -> None:
    announced = sync(digest=A)

    assert Event.FIND is judge().decide_before_call(announced, B, B, call_open=False).event
    verdict = judge().decide_before_call(announced, B, A, call_open=False)
    assert Decision(Event.CLAIM, values={"called_digest": B}) == verdict


@pytest.mark.parametrize("target", [None, B, error(), error(Kind.CONFIGURATION)])
def test_any_other_target_is_called_for(target: str | SwrError | None) -> None:
    verdict = judge().decide_before_call(sync(), A, target, call_open=False)

    assert Decision(Event.CLAIM, values={"called_digest": A}) == verdict


# calling: what sync_images answered


def test_200_is_triggered_and_looked_at_soon() -> None:
    worn = calling(failures=3, failing_since=NOW, lost_claims=2, waiting_since=NOW, polls=5)

    verdict = judge().decide_after_call(worn, None, tags_in_call=1)

    assert (verdict.event, verdict.due_at, verdict.reason) == (Event.TRIGGER, NOW + SECOND, None)
    assert verdict.values == {
        "polls": 0,
        "failures": 0,
        "lost_claims": 0,
        "waiting_since": None,
        "failing_since": None,
        "verifying_since": NOW,
    }


@pytest.mark.parametrize("kind", [Kind.PERMANENT, Kind.TRANSIENT, Kind.CONFIGURATION])
def test_a_tag_among_the_failed_is_tried_again(kind: Kind) -> None:
    failed = error(kind, failed_tags=frozenset({"v1"}))

    verdict = judge().decide_after_call(calling(), failed, tags_in_call=3)

    assert (verdict.event, verdict.due_at) == (Event.PUT_BACK, NOW + SECOND)
    late = calling(failing_since=NOW - LIMITS.retry.deadline)
    assert Event.GIVE_UP is judge().decide_after_call(late, failed, tags_in_call=3).event


def test_a_tag_not_among_the_failed_is_triggered() -> None:
    others = error(Kind.PERMANENT, failed_tags=frozenset({"v2"}))

    verdict = judge().decide_after_call(calling(), others, tags_in_call=2)

    assert (verdict.event, verdict.reason) == (Event.TRIGGER, "not among the failed tags of SVC.1")


@pytest.mark.parametrize("kind", NEVER_KINDS)
def test_a_call_that_may_succeed_later_is_repeated_with_backoff(kind: Kind) -> None:
    waits = []
    now, failing = NOW, calling()
    for _ in range(12):
        verdict = judge(now).decide_after_call(failing, error(kind), tags_in_call=1)
        assert (verdict.event, verdict.reason) == (Event.PUT_BACK, "what SWR said")
        assert verdict.due_at is not None
        waits.append((verdict.due_at - now).total_seconds())
        now, failing = verdict.due_at, replace(failing, **verdict.values)

    assert waits == [1, 2, 4, 8, 16, 32, 64, 128, 256, 512, 600, 600]
    assert failing.failing_since == NOW


def test_a_tag_that_was_called_for_has_not_been_missing_since_before() -> None:
    """Else one look that misses it, after long failures, would end it as never there."""
    waited = replace(calling(), waiting_since=NOW - timedelta(hours=1))

    verdict = judge().decide_after_call(waited, error(Kind.TRANSIENT), tags_in_call=1)

    assert verdict.values["waiting_since"] is None


def test_a_throttled_call_waits_as_long_as_the_server_says_and_some_more() -> None:
    throttled = error(Kind.THROTTLED, retry_after=30.0)

    verdict = judge().decide_after_call(calling(), throttled, tags_in_call=1)

    assert (verdict.event, verdict.due_at) == (Event.PUT_BACK, NOW + 31 * SECOND)


@pytest.mark.parametrize("kind", NEVER_KINDS)
def test_calls_that_fail_too_long_exhaust_the_sync(kind: Kind) -> None:
    failing = calling(failing_since=NOW, failures=50)

    late = judge(NOW + LIMITS.retry.deadline)

    assert Event.GIVE_UP is late.decide_after_call(failing, error(kind), tags_in_call=1).event


@pytest.mark.parametrize("kind", [Kind.PERMANENT, Kind.CONFIGURATION])
def test_an_error_that_lasts_rejects_with_its_remedy(kind: Kind) -> None:
    verdict = judge().decide_after_call(calling(), error(kind), tags_in_call=1)

    assert (verdict.event, verdict.reason) == (Event.REJECT, "what SWR said")
    assert verdict.error is not None
    assert verdict.error.remedy == "what to do"


def test_a_configuration_error_rejects_every_tag_of_the_call() -> None:
    verdict = judge().decide_after_call(calling(), error(Kind.CONFIGURATION), tags_in_call=7)

    assert Event.REJECT is verdict.event


def test_a_permanent_error_of_several_tags_is_tried_for_each_alone_at_once() -> None:
    verdict = judge().decide_after_call(
        calling(lost_claims=2), error(Kind.PERMANENT), tags_in_call=2
    )

    assert (verdict.event, verdict.due_at) == (Event.PUT_BACK, NOW)
    assert verdict.values == {"alone": True, "lost_claims": 0}
    alone = judge().decide_after_call(calling(alone=True), error(Kind.PERMANENT), tags_in_call=1)
    assert Event.REJECT is alone.event


def test_a_call_answered_not_there_yet_waits_and_counts_as_no_attempt() -> None:
    not_yet = error(Kind.NOT_YET)

    verdict = judge().decide_after_call(calling(attempts=1, lost_claims=4), not_yet, tags_in_call=1)

    assert (verdict.event, verdict.due_at) == (Event.WAIT, NOW + SECOND)
    assert verdict.values == {
        "waiting_since": NOW,
        "polls": 1,
        "attempts": 0,
        "lost_claims": 0,
    }
    late = calling(waiting_since=NOW - LIMITS.source_deadline)
    assert Event.MISS is judge().decide_after_call(late, not_yet, tags_in_call=1).event


# calling: the worker is gone


def test_a_lost_claim_is_due_at_once_the_first_time() -> None:
    verdict = judge().decide_after_lost_claim(calling())

    assert (verdict.event, verdict.due_at) == (Event.PUT_BACK, NOW)
    assert verdict.values == {"lost_claims": 1}


def test_lost_claims_in_a_row_wait_longer_and_the_fifth_is_the_last() -> None:
    verdicts = [
        judge().decide_after_lost_claim(calling(lost_claims=lost))
        for lost in range(MOST_LOST_CLAIMS)
    ]

    assert [verdict.event for verdict in verdicts] == [Event.PUT_BACK] * 4 + [Event.GIVE_UP]
    waits = [verdict.due_at - NOW for verdict in verdicts if verdict.due_at is not None]
    assert waits == [0 * SECOND, 2 * SECOND, 4 * SECOND, 8 * SECOND]


def test_a_failed_look_between_lost_claims_does_not_interrupt_the_row() -> None:
    looked = judge().decide_before_call(sync(lost_claims=4), error(), None, call_open=False)

    assert "lost_claims" not in looked.values


def test_an_answered_call_interrupts_the_row() -> None:
    answered = judge().decide_after_call(calling(lost_claims=4), error(), tags_in_call=1)

    assert answered.values["lost_claims"] == 0


# triggered: the look at the target


def test_the_sources_digest_at_the_target_verifies() -> None:
    verdict = judge().decide_after_observation(triggered(), A, A, call_open=False)

    assert Decision(Event.VERIFY) == verdict


def test_nothing_is_verified_while_a_call_for_another_digest_may_act() -> None:
    verdict = judge().decide_after_observation(triggered(), A, A, call_open=True)

    assert (verdict.event, verdict.due_at) == (Event.POLL, NOW + 2 * SECOND)


@pytest.mark.parametrize("target", [None, A, B, C, error(), error(Kind.CONFIGURATION)])
@pytest.mark.parametrize("call_open", [False, True])
def test_a_source_that_moved_is_called_for_again_at_once(
    target: str | SwrError | None, *, call_open: bool
) -> None:
    moved = triggered(called_digest=A, retriggers=3, override=True)

    verdict = judge().decide_after_observation(moved, B, target, call_open=call_open)

    assert (verdict.event, verdict.due_at) == (Event.CALL_AGAIN, NOW)
    assert verdict.values == {"polls": 0, "failing_since": None}  # it is no re-trigger


def test_a_source_that_vanished_after_the_call_is_no_reason_to_doubt() -> None:
    assert (
        Event.VERIFY
        is judge().decide_after_observation(triggered(), None, A, call_open=False).event
    )
    assert (
        Event.POLL
        is judge().decide_after_observation(triggered(), None, None, call_open=False).event
    )


@pytest.mark.parametrize(("target", "override"), [(None, False), (None, True), (B, True)])
def test_what_is_not_at_the_target_yet_is_polled(target: str | None, *, override: bool) -> None:
    waits = []
    now, polled = NOW, triggered(override=override)
    for _ in range(7):
        verdict = judge(now).decide_after_observation(
            polled, A, target, call_open=False, job="init"
        )
        assert Event.POLL is verdict.event
        assert verdict.due_at is not None
        waits.append((verdict.due_at - now).total_seconds())
        now, polled = verdict.due_at, replace(polled, **verdict.values)

    assert waits == [2, 4, 8, 16, 32, 60, 60]


@pytest.mark.parametrize("job", sorted(FAILED_JOBS))
@pytest.mark.parametrize(("target", "override"), [(None, False), (None, True), (B, True)])
def test_a_failed_job_is_called_again_with_growing_waits(
    job: str, target: str | None, *, override: bool
) -> None:
    again = [
        judge().decide_after_observation(
            triggered(override=override, retriggers=n), A, target, call_open=False, job=job
        )
        for n in range(LIMITS.verify.retriggers)
    ]

    assert [(Event.CALL_AGAIN, NOW + wait * SECOND) for wait in (1, 2, 4)] == [
        (verdict.event, verdict.due_at) for verdict in again
    ]
    assert [(n, 0) for n in (1, 2, 3)] == [
        (v.values["retriggers"], v.values["polls"]) for v in again
    ]


@pytest.mark.parametrize(("target", "override"), [(None, False), (None, True), (B, True)])
def test_after_verifys_deadline_it_is_called_again_at_once(
    target: str | None, *, override: bool
) -> None:
    late = judge(NOW + LIMITS.verify.deadline)

    verdict = late.decide_after_observation(
        triggered(override=override), A, target, call_open=False
    )

    assert (Event.CALL_AGAIN, late.now) == (verdict.event, verdict.due_at)
    assert verdict.values == {"retriggers": 1, "polls": 0, "failing_since": None}
    in_time = judge(NOW + LIMITS.verify.deadline - SECOND)
    early = in_time.decide_after_observation(
        triggered(override=override), A, target, call_open=False
    )
    assert Event.POLL is early.event


@pytest.mark.parametrize("job", [None, "failed"])
@pytest.mark.parametrize(("target", "end"), [(None, Event.MISS), (B, Event.DIVERGE)])
def test_calls_are_repeated_only_so_often(job: str | None, target: str | None, end: Event) -> None:
    worn = triggered(override=True, retriggers=LIMITS.verify.retriggers)

    late = judge(NOW + LIMITS.verify.deadline)

    assert end is late.decide_after_observation(worn, A, target, call_open=False, job=job).event


def test_another_digest_without_override_has_diverged_at_once() -> None:
    verdict = judge().decide_after_observation(triggered(override=False), A, B, call_open=False)

    assert Event.DIVERGE is verdict.event
    assert verdict.reason == f"the target holds {B}, the source {A}"


@pytest.mark.parametrize("kind", NEVER_KINDS)
def test_an_unreadable_target_shifts_the_deadline(kind: Kind) -> None:
    looked = NOW + 20 * SECOND
    polled = triggered(updated_at=looked, polls=2)

    verdict = judge(looked + 60 * SECOND).decide_after_observation(
        polled, A, error(kind), call_open=False
    )

    assert (Event.POLL, looked + 68 * SECOND) == (verdict.event, verdict.due_at)
    assert {
        "polls": 3,
        "failing_since": looked + 60 * SECOND,
        "verifying_since": NOW + 60 * SECOND,
    } == verdict.values


def test_a_target_unreadable_for_long_ends_nothing() -> None:
    now, polled = NOW, triggered()
    while now < NOW + 3 * LIMITS.verify.deadline:
        verdict = judge(now).decide_after_observation(polled, A, error(), call_open=False)
        assert Event.POLL is verdict.event
        assert verdict.due_at is not None
        polled = replace(polled, updated_at=now, **verdict.values)
        now = verdict.due_at

    assert Event.POLL is judge(now).decide_after_observation(polled, A, None, call_open=False).event


def test_an_unreadable_source_is_waited_for_too() -> None:
    verdict = judge(NOW + SECOND).decide_after_observation(triggered(), error(), A, call_open=False)

    assert Event.POLL is verdict.event


def test_a_target_that_we_may_never_read_is_accepted_with_the_reason() -> None:
    forbidden = error(Kind.CONFIGURATION)

    verdict = judge().decide_after_observation(triggered(), A, forbidden, call_open=False)

    assert (
        verdict.event,
        verdict.reason,
    ) == (Event.LEAVE_UNVERIFIED, "the target cannot be read: what SWR said")


@pytest.mark.parametrize("job", sorted(FAILED_JOBS))
def test_unless_swrs_own_job_says_that_it_failed(job: str) -> None:
    forbidden = error(Kind.CONFIGURATION)
    worn = triggered(retriggers=LIMITS.verify.retriggers)

    again = judge().decide_after_observation(triggered(), A, forbidden, call_open=False, job=job)
    ended = judge().decide_after_observation(worn, A, forbidden, call_open=False, job=job)

    assert (again.event, ended.event) == (Event.CALL_AGAIN, Event.MISS)


# triggered: a source that we may not read


def test_the_announced_digest_stands_in_for_a_source_that_we_may_not_read() -> None:
    blind = triggered(called_digest=None, digest=A)
    forbidden = error(Kind.CONFIGURATION)

    assert (
        Event.VERIFY is judge().decide_after_observation(blind, forbidden, A, call_open=False).event
    )
    assert (
        Event.DIVERGE
        is judge().decide_after_observation(blind, forbidden, B, call_open=False).event
    )


def test_without_any_digest_to_compare_a_tag_that_is_there_is_accepted() -> None:
    blind = triggered(called_digest=None, digest=None)

    verdict = judge().decide_after_observation(blind, error(Kind.CONFIGURATION), B, call_open=False)

    assert Event.LEAVE_UNVERIFIED is verdict.event
    missing = judge().decide_after_observation(
        blind, error(Kind.CONFIGURATION), None, call_open=False
    )
    assert Event.POLL is missing.event


@pytest.mark.parametrize("hidden", ["source", "target"])
@pytest.mark.parametrize(
    ("job", "event"), [(None, Event.GIVE_UP), ("success", Event.LEAVE_UNVERIFIED)]
)
def test_a_look_that_fails_for_ever_ends(hidden: str, job: str | None, event: Event) -> None:
    failing = triggered(failing_since=NOW)
    source, target = (error(), A) if hidden == "source" else (A, error())

    in_time = judge(NOW + LIMITS.retry.deadline - SECOND)
    late = judge(NOW + LIMITS.retry.deadline)

    assert (
        Event.POLL
        is in_time.decide_after_observation(failing, source, target, call_open=False, job=job).event
    )
    assert (
        event
        is late.decide_after_observation(failing, source, target, call_open=False, job=job).event
    )


def test_a_look_that_is_answered_lets_failing_begin_anew() -> None:
    verdict = judge().decide_after_observation(
        triggered(failing_since=NOW), A, None, call_open=False
    )

    assert (verdict.event, verdict.values["failing_since"]) == (Event.POLL, None)


def test_what_was_not_asked_counts_as_no_try_but_its_time_goes_on() -> None:
    alone = CircuitOpen("cn-north-4 is not asked", retry_after=30.0)
    due = sync(failures=3)

    verdict = judge().decide_postponed(due, alone)

    assert (verdict.event, verdict.due_at) == (Event.POSTPONE, NOW + 31 * SECOND)
    assert verdict.reason == "cn-north-4 is not asked"
    assert verdict.values == {"failing_since": NOW}
    late = judge(NOW + LIMITS.retry.deadline)
    assert Event.GIVE_UP is late.decide_postponed(replace(due, failing_since=NOW), alone).event


def test_verifys_deadline_does_not_run_while_a_region_is_held() -> None:
    held = triggered(verifying_since=NOW, updated_at=NOW + 10 * SECOND)

    verdict = judge(NOW + 3600 * SECOND).decide_held(held, "not in the configuration")

    assert verdict.values == {"verifying_since": NOW + 3590 * SECOND}
