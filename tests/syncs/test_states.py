"""The state machine of a sync has exactly the documented transitions."""

from swrhook.model import END_STATES, OPEN_STATES, State
from swrhook.syncs.states import TRANSITIONS, Event

# The ledger itself moves a sync from `calling` to `superseded`, when its call settles.
STEPS = {
    State.PENDING: {
        State.PENDING,
        State.MISSING,
        State.EXHAUSTED,
        State.VERIFIED,
        State.REJECTED,
        State.CALLING,
        State.SUPERSEDED,
        State.CANCELLED,
    },
    State.CALLING: {
        State.TRIGGERED,
        State.PENDING,
        State.MISSING,
        State.EXHAUSTED,
        State.REJECTED,
        State.CANCELLED,
    },
    State.TRIGGERED: {
        State.TRIGGERED,
        State.PENDING,
        State.VERIFIED,
        State.UNVERIFIED,
        State.DIVERGED,
        State.MISSING,
        State.EXHAUSTED,
        State.SUPERSEDED,
        State.CANCELLED,
    },
    State.VERIFIED: set(),
    State.CANCELLED: {State.PENDING},
    **{
        state: {State.PENDING, State.CANCELLED}
        for state in END_STATES - {State.VERIFIED, State.CANCELLED}
    },
}


def test_the_transitions_are_those_of_the_documented_life_of_a_sync() -> None:
    steps = {
        state: {step.to for step in TRANSITIONS.values() if state in step.from_states}
        for state in State
    }

    assert steps == STEPS


def test_every_event_has_a_transition() -> None:
    assert set(Event) == set(TRANSITIONS)
    assert all(transition.from_states for transition in TRANSITIONS.values())


def test_a_state_is_either_open_or_an_end_state() -> None:
    assert set(State) == OPEN_STATES | END_STATES
    assert not OPEN_STATES & END_STATES


def test_only_an_operator_can_leave_an_end_state() -> None:
    leaving = {event for event, step in TRANSITIONS.items() if step.from_states & END_STATES}

    assert leaving == {Event.CANCEL, Event.RETRY}


def test_only_the_targets_digest_verifies_a_sync() -> None:
    verifying = {event for event, step in TRANSITIONS.items() if step.to is State.VERIFIED}

    assert verifying == {Event.VERIFY_WITHOUT_CALL, Event.VERIFY}
