"""Decide what to do with a sync after its regions were read or a call ended. Pure functions.

Reading a tag in a region gives its digest, None (no such repository or tag), or an SwrError.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from random import Random
from typing import Any

from swrhook.errors import CircuitOpen, Kind, SwrError
from swrhook.model import State, Sync
from swrhook.syncs import endings
from swrhook.syncs.backoff import Limits
from swrhook.syncs.evidence import (
    EXISTED_JOB,
    FAILED_JOBS,
    NO_EVIDENCE,
    SUCCEEDED_JOB,
    Evidence,
)
from swrhook.syncs.states import Event
from swrhook.wording.message import say

DigestLookup = str | SwrError | None

# If the worker vanishes during so many calls in a row, the sync itself is probably the cause.
MAX_LOST_CLAIMS = 5
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
            return Decision(Event.VERIFY_WITHOUT_CALL, None, endings.ALREADY_THERE, None, values)
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
            reason = say("retried alone: its call failed")
            return Decision(Event.REQUEUE, self.now, reason, error, values)
        if error.kind in (Kind.PERMANENT, Kind.CONFIGURATION) and not error.failed_tags:
            return Decision(Event.REJECT, reason=error.message, error=error)
        return self._retry_later(sync, error, Event.REQUEUE)

    def decide_after_lost_claim(self, sync: Sync) -> Decision:
        """Decide on a `calling` sync whose worker died or could not record the answer."""
        lost = sync.lost_claims + 1
        reason = say("the worker vanished during the call (%(lost)s in a row)", lost=lost)
        if lost >= MAX_LOST_CLAIMS:
            error = endings.worker_lost(reason)
            return Decision(Event.GIVE_UP, reason=reason, error=error, values={"lost_claims": lost})
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
        evidence: Evidence = NO_EVIDENCE,
    ) -> Decision:
        """Decide on a `triggered` sync by the digests at source and target.

        `call_open` says that a call for another digest may still take effect.
        """
        if isinstance(source, SwrError) and source.kind is not Kind.CONFIGURATION:
            return self._poll_unreadable(sync, source, evidence)
        if isinstance(source, str) and sync.called_digest not in (None, source):
            reason = say("the source's digest changed after the call")
            values = {"polls": 0, "failing_since": None}
            return Decision(Event.CALL_AGAIN, self.now, reason, values=values)
        if isinstance(target, SwrError):
            return self._handle_unreadable_target(sync, target, evidence)
        # If the tag has vanished from the source since the call, the call's digest still counts.
        expected = source if isinstance(source, str) else (sync.called_digest or sync.digest)
        if evidence.index is not None and evidence.index.is_same:
            expected = target  # the images are the same
        if target is None or (target != expected and expected is not None and sync.lane.override):
            return self._poll_or_call_again(sync, target, expected, evidence)
        return self._compare_digests(sync, target, expected, evidence, call_open=call_open)

    def needs_comparison(self, sync: Sync, target: str, evidence: Evidence) -> bool:
        """Return whether other images than the source's may end a `triggered` sync now.

        `target` is the digest there. Before, an older image may still be replaced.
        """
        is_done = evidence.job in (SUCCEEDED_JOB, EXISTED_JOB) or evidence.is_overdue(
            sync, self.limits.verify, self.now
        )
        return target != sync.called_digest and (is_done or not sync.lane.override)

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
        self,
        sync: Sync,
        target: str,
        expected: str | None,
        evidence: Evidence,
        *,
        call_open: bool,
    ) -> Decision:
        if expected is None:
            reason, ending = endings.NOT_COMPARED, endings.unproven(sync)
            return Decision(Event.MARK_UNVERIFIED, reason=reason, error=ending)
        if target != expected:
            return _diverge(sync, target, expected, evidence)
        if call_open:
            return self._poll(sync, say("an earlier call may still take effect"))
        compared = evidence.index.summary if evidence.index else None
        # A call made without reading the source had none.
        return Decision(Event.VERIFY, reason=compared, values={"called_digest": target})

    def _trigger(self, code: str | None) -> Decision:
        reason = None if code is None else say("not among the failed tags of %(code)s", code=code)
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
            reason = say("never appeared in the source region")
            if error is not None:
                reason = say("not found until source_deadline: %(message)s", message=error.message)
            ending = error or endings.missing_at_source(sync)
            return Decision(Event.MARK_MISSING, reason=reason, error=ending)
        values: dict[str, Any] = {"waiting_since": since, "polls": sync.polls + 1}
        if error is not None:  # sync_images reported it: the call does not count as an attempt
            values |= {"attempts": max(sync.attempts - 1, 0), "lost_claims": 0}
        return Decision(
            Event.WAIT_FOR_SOURCE,
            self.now + self.limits.verify.backoff.ceiling(sync.polls + 1),
            error.message if error else say("not in %(place)s yet", place=sync.lane.source_region),
            error,
            values,
        )

    def _retry_later(self, sync: Sync, error: SwrError, event: Event) -> Decision:
        since = sync.failing_since or self.now
        if self.now - since >= self.limits.retry.deadline:
            return Decision(Event.GIVE_UP, reason=error.message, error=endings.final_error(error))
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

    def _handle_unreadable_target(
        self, sync: Sync, error: SwrError, evidence: Evidence
    ) -> Decision:
        """Decide on a sync whose target cannot be read, temporarily or for lack of permission."""
        if error.kind is not Kind.CONFIGURATION:
            return self._poll_unreadable(sync, error, evidence)
        if evidence.job in FAILED_JOBS:
            return self._poll_or_call_again(sync, None, None, evidence)
        reason = say("the target cannot be read: %(message)s", message=error.message)
        return Decision(Event.MARK_UNVERIFIED, reason=reason, error=error)

    def _poll_unreadable(self, sync: Sync, error: SwrError, evidence: Evidence) -> Decision:
        """Poll again later; `verify.deadline` counts only while reads succeed."""
        if self.is_unreadable_too_long(sync):
            reason = say("cannot be read for too long: %(message)s", message=error.message)
            if evidence.job == SUCCEEDED_JOB:
                return Decision(
                    Event.MARK_UNVERIFIED, reason=reason, error=endings.final_error(error)
                )
            return Decision(Event.GIVE_UP, reason=reason, error=endings.final_error(error))
        poll = self._poll(sync, say("cannot be read: %(message)s", message=error.message))
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
        self, sync: Sync, target: str | None, expected: str | None, evidence: Evidence
    ) -> Decision:
        failed = evidence.job in FAILED_JOBS
        if not failed and not evidence.is_overdue(sync, self.limits.verify, self.now):
            return self._poll(sync, evidence.describe_wait(sync.lane.target, target))
        if target is None and evidence.job == SUCCEEDED_JOB:
            ending = endings.invisible_at_target(sync)
            return Decision(Event.MARK_UNVERIFIED, reason=endings.NOT_SHOWN, error=ending)
        reason = say("did not appear at the target in time")
        if failed:
            reason = say("SWR's job ended: %(state)s", state=evidence.job)
        if sync.retriggers < self.limits.verify.retriggers:
            due_at = self.now
            if failed:  # the next job may fail just as fast
                due_at += self.limits.verify.backoff.ceiling(sync.retriggers + 1)
            values = {"retriggers": sync.retriggers + 1, "polls": 0, "failing_since": None}
            reason = say("%(reason)s: called again", reason=reason)
            return Decision(Event.CALL_AGAIN, due_at, reason, values=values)
        if target is None:
            ending = endings.missing_at_target(sync, reason)
            return Decision(Event.MARK_MISSING, reason=reason, error=ending)
        return _diverge(sync, target, expected, evidence)


def _diverge(sync: Sync, target: str, expected: str | None, evidence: Evidence) -> Decision:
    reason = say("the target has %(target)s, the source %(source)s", target=target, source=expected)
    if evidence.index is not None:
        reason = say("%(first)s; %(last)s", first=reason, last=evidence.index.summary)
    return Decision(Event.MARK_DIVERGED, reason=reason, error=endings.diverged(sync, reason))
