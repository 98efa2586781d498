"""What the pages say of states and verdicts, in plain words; a sign goes with each colour."""

from collections.abc import Mapping
from dataclasses import dataclass

from swrhook.ledger.queries.overview import FAILING_STATES
from swrhook.model import OPEN_STATES, Outcome, State


@dataclass(frozen=True, slots=True)
class Label:
    """A sign, a tone (a class of the style sheet), and what it means."""

    sign: str
    tone: str
    meaning: str


STATES: Mapping[str, Label] = {
    State.PENDING: Label(
        "○", "open", "waits for its turn, for the tag at the source, or to be tried again"
    ),
    State.CALLING: Label("◐", "open", "SWR is being called"),
    State.TRIGGERED: Label("◑", "open", "SWR took the call; the target is being looked at"),
    State.VERIFIED: Label("✓", "good", "the target holds the tag with the source's digest"),
    State.UNVERIFIED: Label("≈", "fair", "SWR took the call, but the target cannot be read"),
    State.DIVERGED: Label("≠", "bad", "the target holds another digest"),
    State.MISSING: Label(
        "∅", "bad", "the tag never came to the source, or never reached the target"
    ),
    State.REJECTED: Label("✕", "bad", "SWR or the configuration forbids it"),
    State.EXHAUSTED: Label("!", "bad", "it failed until the deadline"),
    State.SUPERSEDED: Label("»", "quiet", "a later push of the same tag goes on in its place"),
    State.CANCELLED: Label("⊘", "quiet", "an operator ended it"),
}

OUTCOMES: Mapping[str, Label] = {
    Outcome.ACCEPTED: Label("✓", "good", "it made syncs"),
    Outcome.IGNORED: Label("·", "quiet", "understood, and not for us"),
    Outcome.DUPLICATE: Label("=", "quiet", "it repeats an earlier one"),
    Outcome.QUARANTINED: Label("?", "bad", "not understood; kept whole"),
}

# What the filter of syncs offers beside the single states.
GROUPS: Mapping[str, tuple[str, frozenset[str]]] = {
    "open": ("under way", frozenset(OPEN_STATES)),
    "failing": ("failed, and nothing newer", frozenset(FAILING_STATES)),
}
SINCE: Mapping[str, str] = {"1h": "last hour", "24h": "last 24 hours", "7d": "last 7 days"}
