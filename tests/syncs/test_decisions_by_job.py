"""Decisions on a triggered sync by what SWR's own job says, and by the images of an index."""

from datetime import timedelta

import pytest

from swrhook.syncs.decisions import Decision
from swrhook.syncs.evidence import Evidence, IndexComparison
from swrhook.syncs.states import Event
from tests.syncs.samples import (
    LIMITS,
    NOW,
    SECOND,
    A,
    B,
    decider,
    triggered,
)


@pytest.mark.parametrize("job", ["waiting", "running"])
@pytest.mark.parametrize(("target", "override"), [(None, False), (None, True), (B, True)])
def test_a_job_that_is_not_done_extends_the_deadline(
    job: str, target: str | None, *, override: bool
) -> None:
    job_deadline, evidence = LIMITS.verify.job_deadline, Evidence(job)
    late = decider(NOW + job_deadline - SECOND)
    waiting = triggered(override=override)

    decision = late.decide_after_observation(waiting, A, target, call_open=False, evidence=evidence)

    assert (decision.event, decision.due_at) == (Event.POLL, late.now + 2 * SECOND)
    assert str(decision.reason).endswith(f"SWR's job is {job}")
    too_late = decider(NOW + job_deadline)
    decision = too_late.decide_after_observation(
        waiting, A, target, call_open=False, evidence=evidence
    )
    assert decision.event is Event.CALL_AGAIN


def test_after_a_job_that_was_done_late_the_deadline_begins_anew() -> None:
    deadline = LIMITS.verify.deadline
    done = Evidence("success", NOW + 3 * deadline)

    def decide(after: timedelta) -> Decision:
        return decider(NOW + after).decide_after_observation(
            triggered(), A, None, call_open=False, evidence=done
        )

    assert decide(4 * deadline - SECOND).event is Event.POLL
    decision = decide(4 * deadline)
    assert decision.event is Event.MARK_UNVERIFIED
    assert decision.error is not None
    assert decision.error.code == "not_visible"


def test_a_job_of_a_clock_ahead_of_ours_does_not_extend_the_deadline_for_ever() -> None:
    deadline = LIMITS.verify.deadline
    ahead = Evidence("success", NOW + timedelta(days=365))

    decision = decider(NOW + deadline).decide_after_observation(
        triggered(), A, None, call_open=False, evidence=ahead
    )

    assert (decision.event, decision.due_at) == (Event.POLL, NOW + deadline + 2 * SECOND)


@pytest.mark.parametrize("override", [False, True])
def test_the_same_images_under_another_digest_verify_a_sync(*, override: bool) -> None:
    same = IndexComparison(is_same=True, summary="the same images")

    decision = decider().decide_after_observation(
        triggered(override=override), A, B, call_open=False, evidence=Evidence(index=same)
    )

    expected = Decision(Event.VERIFY, reason="the same images", values={"called_digest": B})
    assert decision == expected


def test_other_images_diverge_and_are_named() -> None:
    other = IndexComparison(is_same=False, summary="its images differ")

    decision = decider().decide_after_observation(
        triggered(), A, B, call_open=False, evidence=Evidence(index=other)
    )

    assert decision.event is Event.MARK_DIVERGED
    assert decision.reason == f"the target has {B}, the source {A}; its images differ"
    assert decision.error is not None
    assert decision.error.remedy


@pytest.mark.parametrize(
    ("job", "override", "after", "needed"),
    [
        (None, False, 0, True),
        (None, True, 0, False),
        ("running", True, 0, False),
        ("success", True, 0, True),
        ("existed", True, 0, True),
        (None, True, 1, True),
        ("running", True, 1, False),
    ],
)
def test_images_are_compared_where_another_digest_may_end_a_sync(
    job: str | None, after: int, *, override: bool, needed: bool
) -> None:
    late = decider(NOW + after * LIMITS.verify.deadline)

    assert late.needs_comparison(triggered(override=override), B, Evidence(job)) is needed
    assert not late.needs_comparison(triggered(override=override), A, Evidence(job))
