"""The state machine of a sync, as a table: the states that each event applies to, and the next."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

from swrhook.model import END_STATES, State, Urgency


class Event(StrEnum):
    """What can happen to a sync."""

    WAIT_FOR_SOURCE = "wait_for_source"  # the tag is not in the source region yet
    POSTPONE = "postpone"  # the source cannot be read, or no call may be made at the moment
    VERIFY_WITHOUT_CALL = "verify_without_call"  # the target already has the source's digest
    REJECT_BEFORE_CALL = "reject_before_call"  # no call to this target can succeed
    CLAIM = "claim"  # a worker is about to call sync_images
    TRIGGER = "trigger"  # sync_images answered 200
    REQUEUE = "requeue"  # the call failed, or its worker vanished
    REJECT = "reject"  # the call failed permanently
    GIVE_UP = "give_up"  # requests failed for too long
    POLL = "poll"  # the tag is not at the target yet
    CALL_AGAIN = "call_again"  # the source changed, or the call had no effect
    VERIFY = "verify"  # the target has the source's digest
    MARK_UNVERIFIED = "mark_unverified"  # the target cannot be read
    MARK_DIVERGED = "mark_diverged"  # the target has another digest
    MARK_MISSING = "mark_missing"  # the tag did not appear in time
    SUPERSEDE = "supersede"  # a later push of the same tag takes over
    CANCEL = "cancel"  # requested by an operator
    RETRY = "retry"  # requested by an operator


@dataclass(frozen=True, slots=True)
class Transition:
    """The states that an event applies to, and the state that follows."""

    from_states: AbstractSet[State]
    to: State


_PENDING = frozenset({State.PENDING})
_CALLING = frozenset({State.CALLING})
_TRIGGERED = frozenset({State.TRIGGERED})

TRANSITIONS: Mapping[Event, Transition] = {
    Event.WAIT_FOR_SOURCE: Transition(_PENDING | _CALLING, State.PENDING),
    Event.POSTPONE: Transition(_PENDING, State.PENDING),
    Event.VERIFY_WITHOUT_CALL: Transition(_PENDING, State.VERIFIED),
    Event.REJECT_BEFORE_CALL: Transition(_PENDING, State.REJECTED),
    Event.CLAIM: Transition(_PENDING, State.CALLING),
    Event.TRIGGER: Transition(_CALLING, State.TRIGGERED),
    Event.REQUEUE: Transition(_CALLING, State.PENDING),
    Event.REJECT: Transition(_CALLING, State.REJECTED),
    Event.GIVE_UP: Transition(_PENDING | _CALLING | _TRIGGERED, State.EXHAUSTED),
    Event.POLL: Transition(_TRIGGERED, State.TRIGGERED),
    Event.CALL_AGAIN: Transition(_TRIGGERED, State.PENDING),
    Event.VERIFY: Transition(_TRIGGERED, State.VERIFIED),
    Event.MARK_UNVERIFIED: Transition(_TRIGGERED, State.UNVERIFIED),
    Event.MARK_DIVERGED: Transition(_TRIGGERED, State.DIVERGED),
    Event.MARK_MISSING: Transition(_PENDING | _CALLING | _TRIGGERED, State.MISSING),
    Event.SUPERSEDE: Transition(_PENDING | _TRIGGERED, State.SUPERSEDED),
    Event.CANCEL: Transition(frozenset(State) - {State.VERIFIED, State.CANCELLED}, State.CANCELLED),
    Event.RETRY: Transition(END_STATES - {State.VERIFIED}, State.PENDING),
}


def urgency_after(state: State, *, backfill: bool) -> Urgency:
    """Return the urgency of a sync that goes on in an open state after it was worked on."""
    if backfill:
        return Urgency.BACKFILL
    return Urgency.PROOF if state is State.TRIGGERED else Urgency.REPEAT
