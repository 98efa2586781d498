"""What to do with a sync after a look or a call: the design's table as pure functions.

A look at a region gives a digest, None (no such repository or tag), or the SwrError that hid it.
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

Look = str | SwrError | None

_RETRY = "swrhook has stopped trying: retry it when SWR answers again"

# After so many calls in a row whose worker vanished, the sync itself is the likely reason.
MOST_LOST_CLAIMS = 5
# What SWR's own job says when it has ended without the tag at the target.
FAILED_JOBS = frozenset({"failed", "timeout", "cancel"})
DONE = "success"
# A region that is no longer configured holds its syncs; they are looked at again this often.
HELD = timedelta(minutes=1)
_HOLD = {
    State.PENDING: Event.POSTPONE,
    State.CALLING: Event.PUT_BACK,
    State.TRIGGERED: Event.POLL,
}


@dataclass(frozen=True, slots=True)
class Decision:
    """An event, when to look again, why, and the columns that change with it."""

    event: Event
    due_at: datetime | None = None
    reason: str | None = None
    error: SwrError | None = None
    values: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Decider:
    """The limits, the time and the chance that every verdict depends on."""

    limits: Limits
    now: datetime
    rng: Random

    def decide_before_call(
        self, sync: Sync, source: Look, target: Look, *, call_open: bool
    ) -> Decision:
        """Judge a `pending` sync; Event.CLAIM means: call.

        `call_open` tells whether an earlier call for this tag and target may still act.
        """
        if source is None:
            return self._not_at_source(sync)
        if isinstance(source, SwrError):
            if source.kind is not Kind.CONFIGURATION:
                return self._failed(sync, source, Event.POSTPONE)
            return Decision(Event.CLAIM, values={"called_digest": None})
        if target == source and not call_open:
            reason = "the target held the source's digest already"
            return Decision(Event.FIND, reason=reason, values={"called_digest": source})
        return Decision(Event.CLAIM, values={"called_digest": source})

    def decide_after_call(
        self, sync: Sync, error: SwrError | None, *, tags_in_call: int
    ) -> Decision:
        """Judge a `calling` sync by what sync_images answered (None: 200)."""
        if error is None or (error.failed_tags and sync.tag not in error.failed_tags):
            # A list of failed tags leaves the others accepted: the look at the target decides.
            return self._triggered(None if error is None else error.code)
        if error.kind is Kind.NOT_YET:
            return self._not_at_source(sync, error)
        if error.kind is Kind.PERMANENT and tags_in_call > 1 and not error.failed_tags:
            # One tag may spoil the call for its siblings: each is tried alone, at once.
            values = {"alone": True, "lost_claims": 0}
            reason = "tried alone: its call failed"
            return Decision(Event.PUT_BACK, self.now, reason, error, values)
        if error.kind in (Kind.PERMANENT, Kind.CONFIGURATION) and not error.failed_tags:
            return Decision(Event.REJECT, reason=error.message, error=error)
        return self._failed(sync, error, Event.PUT_BACK)

    def decide_after_lost_claim(self, sync: Sync) -> Decision:
        """Judge a `calling` sync whose worker died or could not settle."""
        lost = sync.lost_claims + 1
        reason = f"the worker vanished during the call ({lost} in a row)"
        if lost >= MOST_LOST_CLAIMS:
            return Decision(Event.GIVE_UP, reason=reason, values={"lost_claims": lost})
        wait = timedelta()
        if lost > 1:
            wait = self.limits.retry.backoff.jittered(lost, self.rng)
        return Decision(Event.PUT_BACK, self.now + wait, reason, values={"lost_claims": lost})

    def decide_after_observation(
        self, sync: Sync, source: Look, target: Look, *, call_open: bool, job: str | None = None
    ) -> Decision:
        """Judge a `triggered` sync by what source and target hold.

        `call_open` tells whether a call for another digest may still act; `job` is the state of
        SWR's own job for the tag, where it is known.
        """
        if isinstance(source, SwrError) and source.kind is not Kind.CONFIGURATION:
            return self._unreadable(sync, source, job)
        if isinstance(source, str) and sync.called_digest not in (None, source):
            reason = "the source holds another digest than at the call"
            values = {"polls": 0, "failing_since": None}
            return Decision(Event.CALL_AGAIN, self.now, reason, values=values)
        if isinstance(target, SwrError):
            return self._hidden(sync, target, job)
        wanted = source if isinstance(source, str) else (sync.called_digest or sync.digest)
        if target is None or (target != wanted and wanted is not None and sync.lane.override):
            return self._not_at_target(sync, target, wanted, job)
        return self._at_target(sync, target, wanted, call_open=call_open)

    def is_hidden_too_long(self, sync: Sync) -> bool:
        """Tell whether no look at a `triggered` sync was answered for as long as tries may fail."""
        since = sync.failing_since or self.now
        return self.now - since >= self.limits.retry.deadline

    def decide_postponed(self, sync: Sync, error: CircuitOpen) -> Decision:
        """Judge a `pending` sync that was to be called for, while the source is left alone."""
        return self._failed(sync, error, Event.POSTPONE)

    def decide_held(self, sync: Sync, reason: str) -> Decision:
        """Judge an open sync with a region that is not configured any more."""
        event = _HOLD[sync.state]
        values = {}
        if event is Event.POLL:
            values = {"verifying_since": self._not_counted(sync)}
        return Decision(event, self.now + HELD, reason, values=values)

    def _at_target(
        self, sync: Sync, target: str, wanted: str | None, *, call_open: bool
    ) -> Decision:
        if wanted is None:
            reason = "the tag is there, but the source cannot be read to compare the digest"
            return Decision(Event.LEAVE_UNVERIFIED, reason=reason)
        if target != wanted:
            return Decision(Event.DIVERGE, reason=_diverged(target, wanted))
        if call_open:
            return self._poll(sync, "an earlier call may still act")
        return Decision(Event.VERIFY)

    def _triggered(self, code: str | None) -> Decision:
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

    def _not_at_source(self, sync: Sync, error: SwrError | None = None) -> Decision:
        since = sync.waiting_since or self.now
        if self.now - since >= self.limits.source_deadline:
            return Decision(Event.MISS, reason="never appeared at the source", error=error)
        values: dict[str, Any] = {"waiting_since": since, "polls": sync.polls + 1}
        if error is not None:
            values |= {"attempts": max(sync.attempts - 1, 0), "lost_claims": 0}
        return Decision(
            Event.WAIT,
            self.now + self.limits.verify.backoff.ceiling(sync.polls + 1),
            f"not in {sync.lane.source_region} yet",
            error,
            values,
        )

    def _failed(self, sync: Sync, error: SwrError, event: Event) -> Decision:
        since = sync.failing_since or self.now
        if self.now - since >= self.limits.retry.deadline:
            return Decision(Event.GIVE_UP, reason=error.message, error=_last(error))
        values: dict[str, Any]
        if isinstance(error, CircuitOpen):  # no try: nothing is counted, but the time goes on
            wait = timedelta(seconds=(error.retry_after or 0) + self.rng.uniform(0, 1))
            values = {"failing_since": since}
            return Decision(event, self.now + wait, error.message, error, values)
        failures = sync.failures + 1
        wait = self.limits.retry.backoff.jittered(failures, self.rng, at_least=error.retry_after)
        values = {"failing_since": since, "failures": failures}
        if event is Event.PUT_BACK:
            # A call was answered, and not that the tag is missing: it has been at the source.
            values |= {"lost_claims": 0, "waiting_since": None}
        return Decision(event, self.now + wait, error.message, error, values)

    def _poll(self, sync: Sync, reason: str) -> Decision:
        due_at = self.now + self.limits.verify.backoff.ceiling(sync.polls + 2)
        values = {"polls": sync.polls + 1, "failing_since": None}
        return Decision(Event.POLL, due_at, reason, values=values)

    def _hidden(self, sync: Sync, error: SwrError, job: str | None) -> Decision:
        """Judge a target that cannot be looked at: not now, or not by us."""
        if error.kind is not Kind.CONFIGURATION:
            return self._unreadable(sync, error, job)
        if job in FAILED_JOBS:
            return self._not_at_target(sync, None, None, job)
        reason = f"the target cannot be read: {error.message}"
        return Decision(Event.LEAVE_UNVERIFIED, reason=reason, error=error)

    def _unreadable(self, sync: Sync, error: SwrError, job: str | None) -> Decision:
        """Look again later; verify's deadline counts only while the look is answered."""
        if self.is_hidden_too_long(sync):
            reason = f"cannot be looked at for too long: {error.message}"
            if job == DONE:
                return Decision(Event.LEAVE_UNVERIFIED, reason=reason, error=error)
            return Decision(Event.GIVE_UP, reason=reason, error=_last(error))
        verdict = self._poll(sync, f"cannot be looked at: {error.message}")
        not_before = self.now + timedelta(seconds=error.retry_after or 0)
        values = {
            **verdict.values,
            "failing_since": sync.failing_since or self.now,
            "verifying_since": self._not_counted(sync),
        }
        due_at = max(verdict.due_at or self.now, not_before)
        return Decision(Event.POLL, due_at, verdict.reason, error, values)

    def _not_counted(self, sync: Sync) -> datetime:
        """Return since when the target is looked at, without the time since the last look."""
        return (sync.verifying_since or self.now) + max(self.now - sync.updated_at, timedelta())

    def _not_at_target(
        self, sync: Sync, target: str | None, wanted: str | None, job: str | None
    ) -> Decision:
        since = sync.verifying_since or self.now
        failed = job in FAILED_JOBS
        if not failed and self.now - since < self.limits.verify.deadline:
            there = "no such tag" if target is None else "an older digest"
            return self._poll(sync, f"{there} at {sync.lane.target} yet")
        why = f"SWR's job: {job}" if failed else "not at the target in time"
        if sync.retriggers < self.limits.verify.retriggers:
            due_at = self.now
            if failed:  # a job that failed at once may fail so again
                due_at += self.limits.verify.backoff.ceiling(sync.retriggers + 1)
            values = {"retriggers": sync.retriggers + 1, "polls": 0, "failing_since": None}
            return Decision(Event.CALL_AGAIN, due_at, f"{why}: called again", values=values)
        if target is None:
            return Decision(Event.MISS, reason=why)
        return Decision(Event.DIVERGE, reason=_diverged(target, wanted))


def _last(error: SwrError) -> SwrError:
    """Return the error of a sync that is tried no more: now there is something to do about it."""
    if error.remedy and not error.remedy.startswith(NOTHING_TO_DO):
        return error
    return SwrError(error.kind, error.code, error.message, remedy=_RETRY)


def _diverged(target: str, wanted: str | None) -> str:
    return f"the target holds {target}, the source {wanted}"
