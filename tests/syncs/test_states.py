"""The life of a sync is the design's table: what leads where, and what nothing leads to."""

from swrhook.model import END_STATES, OPEN_STATES, State
from swrhook.syncs.states import TRANSITIONS, Event

# docs: the life of a sync, row by row. `calling` → `superseded` is the ledger's, when it settles.
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


def test_a_sync_goes_only_where_the_design_says() -> None:
    steps = {
        state: {step.to for step in TRANSITIONS.values() if state in step.from_states}
        for state in State
    }

    assert steps == STEPS


def test_every_event_leads_somewhere() -> None:
    assert set(Event) == set(TRANSITIONS)
    assert all(transition.from_states for transition in TRANSITIONS.values())


def test_a_state_is_open_or_an_end() -> None:
    assert set(State) == OPEN_STATES | END_STATES
    assert not OPEN_STATES & END_STATES


def test_an_end_is_left_by_an_operators_wish_alone() -> None:
    leaving = {event for event, step in TRANSITIONS.items() if step.from_states & END_STATES}

    assert {Event.CANCEL, Event.RETRY} == leaving


def test_only_a_look_at_the_target_verifies() -> None:
    verifying = {event for event, step in TRANSITIONS.items() if step.to is State.VERIFIED}

    assert {Event.VERIFY_WITHOUT_CALL, Event.VERIFY} == verifying
