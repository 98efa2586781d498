"""Decide what to do with a sync after its regions were read or a call ended. Pure functions.

Reading a tag in a region gives its digest, None (no such repository or tag), or an SwrError.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from swrhook.errors import NOTHING_TO_DO, CircuitOpen, Kind, SwrError
from swrhook.model import State, Sync
from swrhook.syncs.backoff import Limits
from swrhook.syncs.states import Event

DigestLookup = str | SwrError | None

_RETRY_REMEDY = "swrhook has stopped trying: retry it when SWR answers again"

# If the worker vanishes during so many calls in a row, the sync itself is probably the cause.
MAX_LOST_CLAIMS = 5
# The states of SWR's own sync job that mean: it ended, and the tag is not at the target.
FAILED_JOBS = frozenset({"failed", "timeout", "cancel"})
SUCCEEDED_JOB = "success"
# How often a sync is checked again while one of its regions is not configured.
HOLD_INTERVAL = timedelta(minutes=1)
_HOLD_EVENTS = {
    State.PENDING: Event.POSTPONE,
    State.CALLING: Event.REQUEUE,
    State.TRIGGERED: Event.POLL,
}


@dataclass(frozen=True, slots=True)
class Decision:
    """An event, when the sync is due again, the reason, and the columns that change."""

    event: Event
    due_at: datetime | None = None
    reason: str | None = None
    error: SwrError | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decider:
    """Makes decisions from the limits, the current time and a random generator."""

    limits: Limits
    now: datetime
    rng: Random

    def decide_before_call(
        self, sync: Sync, source: DigestLookup, target: DigestLookup, *, call_open: bool
    ) -> Decision:
        """Decide on a `pending` sync; Event.CLAIM means that sync_images is to be called.

        `call_open` says that an earlier call for this tag and target may still take effect.
        """
        if source is None:
            return self._wait_for_source(sync)
        if isinstance(source, SwrError):
            if source.kind is not Kind.CONFIGURATION:
                return self._retry_later(sync, source, Event.POSTPONE)
            # The call may succeed without the right to read the source region.
            return Decision(Event.CLAIM, values={"called_digest": None})
        values = {"called_digest": source}
        if target == source and not call_open:
            reason = "the target already had the source's digest"
            return Decision(Event.VERIFY_WITHOUT_CALL, reason=reason, values=values)
        return Decision(Event.CLAIM, values=values)

    def decide_after_call(
        self, sync: Sync, error: SwrError | None, *, tags_in_call: int
    ) -> Decision:
        """Decide on a `calling` sync by the answer of sync_images; no error means 200."""
        if error is None or (error.failed_tags and sync.tag not in error.failed_tags):
            # A list of failed tags means that SWR accepted the others; the target will show it.
            return self._trigger(None if error is None else error.code)
        if error.kind is Kind.NOT_YET:
            return self._wait_for_source(sync, error)
        if error.kind is Kind.PERMANENT and tags_in_call > 1 and not error.failed_tags:
            # One bad tag may fail the call for all its tags, so each is retried alone, at once.
            values = {"alone": True, "lost_claims": 0}
            reason = "retried alone: its call failed"
            return Decision(Event.REQUEUE, self.now, reason, error, values)
        if error.kind in (Kind.PERMANENT, Kind.CONFIGURATION) and not error.failed_tags:
            return Decision(Event.REJECT, reason=error.message, error=error)
        return self._retry_later(sync, error, Event.REQUEUE)

    def decide_after_lost_claim(self, sync: Sync) -> Decision:
        """Decide on a `calling` sync whose worker died or could not record the answer."""
        lost = sync.lost_claims + 1
        reason = f"the worker vanished during the call ({lost} in a row)"
        if lost >= MAX_LOST_CLAIMS:
            return Decision(Event.GIVE_UP, reason=reason, values={"lost_claims": lost})
        wait = timedelta()
        if lost > 1:
            wait = self.limits.retry.backoff.jittered(lost, self.rng)
        return Decision(Event.REQUEUE, self.now + wait, reason, values={"lost_claims": lost})

    def decide_after_observation(
        self,
        sync: Sync,
        source: DigestLookup,
        target: DigestLookup,
        *,
        call_open: bool,
        job: str | None = None,
    ) -> Decision:
        """Decide on a `triggered` sync by the digests at source and target.

        `call_open` says that a call for another digest may still take effect. `job` is the state of
        SWR's own job for the tag, if known.
        """
        if isinstance(source, SwrError) and source.kind is not Kind.CONFIGURATION:
            return self._poll_unreadable(sync, source, job)
        if isinstance(source, str) and sync.called_digest not in (None, source):
            reason = "the source's digest changed after the call"
            values = {"polls": 0, "failing_since": None}
            return Decision(Event.CALL_AGAIN, self.now, reason, values=values)
        if isinstance(target, SwrError):
            return self._handle_unreadable_target(sync, target, job)
        # If the tag has vanished from the source since the call, the call's digest still counts.
        expected = source if isinstance(source, str) else (sync.called_digest or sync.digest)
        if target is None or (target != expected and expected is not None and sync.lane.override):
            return self._poll_or_call_again(sync, target, expected, job)
        return self._compare_digests(sync, target, expected, call_open=call_open)

    def is_unreadable_too_long(self, sync: Sync) -> bool:
        """Return whether reads for a `triggered` sync have failed for as long as retries last."""
        since = sync.failing_since or self.now
        return self.now - since >= self.limits.retry.deadline

    def decide_postponed(self, sync: Sync, error: CircuitOpen) -> Decision:
        """Decide on a `pending` sync that is ready to call while its source's circuit is open."""
        return self._retry_later(sync, error, Event.POSTPONE)

    def decide_held(self, sync: Sync, reason: str) -> Decision:
        """Decide on an open sync one of whose regions is no longer configured."""
        event = _HOLD_EVENTS[sync.state]
        values = {}
        if event is Event.POLL:
            values = {"verifying_since": self._pause_verify_deadline(sync)}
        return Decision(event, self.now + HOLD_INTERVAL, reason, values=values)

    def _compare_digests(
        self, sync: Sync, target: str, expected: str | None, *, call_open: bool
    ) -> Decision:
        if expected is None:
            reason = "the tag is at the target, but the source cannot be read to compare digests"
            return Decision(Event.MARK_UNVERIFIED, reason=reason)
        if target != expected:
            return Decision(Event.MARK_DIVERGED, reason=_diverged_reason(target, expected))
        if call_open:
            return self._poll(sync, "an earlier call may still take effect")
        # A call made without reading the source had none.
        return Decision(Event.VERIFY, values={"called_digest": target})

    def _trigger(self, code: str | None) -> Decision:
        reason = None if code is None else f"not among the failed tags of {code}"
        due_at = self.now + self.limits.verify.backoff.ceiling(1)
        values = {
            "polls": 0,
            "failures": 0,
            "lost_claims": 0,
            "waiting_since": None,
            "failing_since": None,
            "verifying_since": self.now,
        }
        return Decision(Event.TRIGGER, due_at, reason, values=values)

    def _wait_for_source(self, sync: Sync, error: SwrError | None = None) -> Decision:
        since = sync.waiting_since or self.now
        if self.now - since >= self.limits.source_deadline:
            reason = "never appeared in the source region"
            return Decision(Event.MARK_MISSING, reason=reason, error=error)
        values: dict[str, Any] = {"waiting_since": since, "polls": sync.polls + 1}
        if error is not None:  # sync_images reported it: the call does not count as an attempt
            values |= {"attempts": max(sync.attempts - 1, 0), "lost_claims": 0}
        return Decision(
            Event.WAIT_FOR_SOURCE,
            self.now + self.limits.verify.backoff.ceiling(sync.polls + 1),
            f"not in {sync.lane.source_region} yet",
            error,
            values,
        )

    def _retry_later(self, sync: Sync, error: SwrError, event: Event) -> Decision:
        since = sync.failing_since or self.now
        if self.now - since >= self.limits.retry.deadline:
            return Decision(Event.GIVE_UP, reason=error.message, error=_final_error(error))
        values: dict[str, Any] = {"failing_since": since}
        if isinstance(error, CircuitOpen):
            # No request was sent, so it does not count as a failure, but the deadline goes on.
            wait = timedelta(seconds=(error.retry_after or 0) + self.rng.uniform(0, 1))
            return Decision(event, self.now + wait, error.message, error, values)
        failures = sync.failures + 1
        wait = self.limits.retry.backoff.jittered(failures, self.rng, at_least=error.retry_after)
        values["failures"] = failures
        if event is Event.REQUEUE:
            # The call failed for another reason than a missing tag, so the tag was at the source.
            values |= {"lost_claims": 0, "waiting_since": None}
        return Decision(event, self.now + wait, error.message, error, values)

    def _poll(self, sync: Sync, reason: str) -> Decision:
        due_at = self.now + self.limits.verify.backoff.ceiling(sync.polls + 2)
        values = {"polls": sync.polls + 1, "failing_since": None}
        return Decision(Event.POLL, due_at, reason, values=values)

    def _handle_unreadable_target(self, sync: Sync, error: SwrError, job: str | None) -> Decision:
        """Decide on a sync whose target cannot be read, temporarily or for lack of permission."""
        if error.kind is not Kind.CONFIGURATION:
            return self._poll_unreadable(sync, error, job)
        if job in FAILED_JOBS:
            return self._poll_or_call_again(sync, None, None, job)
        reason = f"the target cannot be read: {error.message}"
        return Decision(Event.MARK_UNVERIFIED, reason=reason, error=error)

    def _poll_unreadable(self, sync: Sync, error: SwrError, job: str | None) -> Decision:
        """Poll again later; `verify.deadline` counts only while reads succeed."""
        if self.is_unreadable_too_long(sync):
            reason = f"cannot be read for too long: {error.message}"
            if job == SUCCEEDED_JOB:
                return Decision(Event.MARK_UNVERIFIED, reason=reason, error=error)
            return Decision(Event.GIVE_UP, reason=reason, error=_final_error(error))
        poll = self._poll(sync, f"cannot be read: {error.message}")
        not_before = self.now + timedelta(seconds=error.retry_after or 0)
        values = {
            **poll.values,
            "failing_since": sync.failing_since or self.now,
            "verifying_since": self._pause_verify_deadline(sync),
        }
        due_at = max(poll.due_at or self.now, not_before)
        return Decision(Event.POLL, due_at, poll.reason, error, values)

    def _pause_verify_deadline(self, sync: Sync) -> datetime:
        """Return `verifying_since`, moved forward by the time since the sync's last update."""
        return (sync.verifying_since or self.now) + max(self.now - sync.updated_at, timedelta())

    def _poll_or_call_again(
        self, sync: Sync, target: str | None, expected: str | None, job: str | None
    ) -> Decision:
        since = sync.verifying_since or self.now
        failed = job in FAILED_JOBS
        if not failed and self.now - since < self.limits.verify.deadline:
            to = sync.lane.target
            poll_reason = f"not at {to} yet" if target is None else f"still an older digest at {to}"
            return self._poll(sync, poll_reason)
        reason = f"SWR's job ended: {job}" if failed else "did not appear at the target in time"
        if sync.retriggers < self.limits.verify.retriggers:
            due_at = self.now
            if failed:  # the next job may fail just as fast
                due_at += self.limits.verify.backoff.ceiling(sync.retriggers + 1)
            values = {"retriggers": sync.retriggers + 1, "polls": 0, "failing_since": None}
            return Decision(Event.CALL_AGAIN, due_at, f"{reason}: called again", values=values)
        if target is None:
            return Decision(Event.MARK_MISSING, reason=reason)
        return Decision(Event.MARK_DIVERGED, reason=_diverged_reason(target, expected))


def _final_error(error: SwrError) -> SwrError:
    """Return the error of a sync that was given up, with a remedy that an operator can act on."""
    if error.remedy and not error.remedy.startswith(NOTHING_TO_DO):
        return error
    return SwrError(error.kind, error.code, error.message, remedy=_RETRY_REMEDY)


def _diverged_reason(target: str, expected: str | None) -> str:
    return f"the target has {target}, the source {expected}"
