"""Decisions on a triggered sync, after its regions were read."""

from dataclasses import replace

import pytest

from swrhook.errors import CircuitOpen, Kind, SwrError
from swrhook.syncs.decisions import Decision
from swrhook.syncs.evidence import FAILED_JOBS, Evidence
from swrhook.syncs.states import Event
from tests.syncs.samples import (
    LIMITS,
    NEVER_KINDS,
    NOW,
    SECOND,
    A,
    B,
    C,
    decider,
    error,
    sync,
    triggered,
)

# Reading the target


def test_the_sources_digest_at_the_target_verifies_the_sync() -> None:
    decision = decider().decide_after_observation(triggered(), A, A, call_open=False)

    assert Decision(Event.VERIFY, values={"called_digest": A}) == decision


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
            polled, A, target, call_open=False, evidence=Evidence("init")
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
            triggered(override=override, retriggers=n),
            A,
            target,
            call_open=False,
            evidence=Evidence(job),
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

    assert (
        late.decide_after_observation(
            worn, A, target, call_open=False, evidence=Evidence(job)
        ).event
        is end
    )


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

    again = decider().decide_after_observation(
        triggered(), A, forbidden, call_open=False, evidence=Evidence(job)
    )
    ended = decider().decide_after_observation(
        worn, A, forbidden, call_open=False, evidence=Evidence(job)
    )

    assert (again.event, ended.event) == (Event.CALL_AGAIN, Event.MARK_MISSING)


# A source without read permission


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
        in_time.decide_after_observation(
            failing, source, target, call_open=False, evidence=Evidence(job)
        ).event
        is Event.POLL
    )
    assert (
        late.decide_after_observation(
            failing, source, target, call_open=False, evidence=Evidence(job)
        ).event
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
