"""The life of a sync as a table: which event moves which states where."""

from collections.abc import Mapping
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum

from swrhook.model import END_STATES, State


class Event(StrEnum):
    """What can happen to a sync."""

    WAIT = "wait"  # not at the source yet
    POSTPONE = "postpone"  # the source could not be looked at, or there is no room for a call
    FIND = "find"  # the target holds the source's digest already
    REFUSE = "refuse"  # the target cannot take it
    CLAIM = "claim"  # a call begins
    TRIGGER = "trigger"  # the call was answered with 200
    PUT_BACK = "put_back"  # the call failed, or its worker vanished
    REJECT = "reject"  # the call failed for good
    GIVE_UP = "give_up"  # tried, or looked in vain, for too long
    POLL = "poll"  # not at the target yet
    CALL_AGAIN = "call_again"  # the source moved, or the call was lost
    VERIFY = "verify"  # the target holds the source's digest
    LEAVE_UNVERIFIED = "leave_unverified"  # the target cannot be read
    DIVERGE = "diverge"  # the target holds another digest
    MISS = "miss"  # looked for too long
    SUPERSEDE = "supersede"  # a later push of the same tag carries on
    CANCEL = "cancel"  # an operator's wish
    RETRY = "retry"  # an operator's wish


@dataclass(frozen=True, slots=True)
class Transition:
    """The states that an event moves, and where to."""

    from_states: AbstractSet[State]
    to: State


_PENDING = frozenset({State.PENDING})
_CALLING = frozenset({State.CALLING})
_TRIGGERED = frozenset({State.TRIGGERED})

TRANSITIONS: Mapping[Event, Transition] = {
    Event.WAIT: Transition(_PENDING | _CALLING, State.PENDING),
    Event.POSTPONE: Transition(_PENDING, State.PENDING),
    Event.FIND: Transition(_PENDING, State.VERIFIED),
    Event.REFUSE: Transition(_PENDING, State.REJECTED),
    Event.CLAIM: Transition(_PENDING, State.CALLING),
    Event.TRIGGER: Transition(_CALLING, State.TRIGGERED),
    Event.PUT_BACK: Transition(_CALLING, State.PENDING),
    Event.REJECT: Transition(_CALLING, State.REJECTED),
    Event.GIVE_UP: Transition(_PENDING | _CALLING | _TRIGGERED, State.EXHAUSTED),
    Event.POLL: Transition(_TRIGGERED, State.TRIGGERED),
    Event.CALL_AGAIN: Transition(_TRIGGERED, State.PENDING),
    Event.VERIFY: Transition(_TRIGGERED, State.VERIFIED),
    Event.LEAVE_UNVERIFIED: Transition(_TRIGGERED, State.UNVERIFIED),
    Event.DIVERGE: Transition(_TRIGGERED, State.DIVERGED),
    Event.MISS: Transition(_PENDING | _CALLING | _TRIGGERED, State.MISSING),
    Event.SUPERSEDE: Transition(_PENDING | _TRIGGERED, State.SUPERSEDED),
    Event.CANCEL: Transition(frozenset(State) - {State.VERIFIED, State.CANCELLED}, State.CANCELLED),
    Event.RETRY: Transition(END_STATES - {State.VERIFIED}, State.PENDING),
}
