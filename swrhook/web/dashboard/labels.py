"""What the pages say of states and verdicts, in plain words; a sign goes with each colour."""

from collections.abc import Mapping
from dataclasses import dataclass

from swrhook.ledger.queries.overview import FAILING_STATES
from swrhook.model import OPEN_STATES, Outcome, State


@dataclass(frozen=True, slots=True)
class Said:
    """A sign, a tone (a class of the style sheet), and what it means."""

    sign: str
    tone: str
    meaning: str


STATES: Mapping[str, Said] = {
    State.PENDING: Said(
        "○", "open", "waits for its turn, for the tag at the source, or to be tried again"
    ),
    State.CALLING: Said("◐", "open", "SWR is being called"),
    State.TRIGGERED: Said("◑", "open", "SWR took the call; the target is being looked at"),
    State.VERIFIED: Said("✓", "good", "the target holds the tag with the source's digest"),
    State.UNVERIFIED: Said("≈", "fair", "SWR took the call, but the target cannot be read"),
    State.DIVERGED: Said("≠", "bad", "the target holds another digest"),
    State.MISSING: Said(
        "∅", "bad", "the tag never came to the source, or never reached the target"
    ),
    State.REJECTED: Said("✕", "bad", "SWR or the configuration forbids it"),
    State.EXHAUSTED: Said("!", "bad", "it failed until the deadline"),
    State.SUPERSEDED: Said("»", "quiet", "a later push of the same tag goes on in its place"),
    State.CANCELLED: Said("⊘", "quiet", "an operator ended it"),
}

OUTCOMES: Mapping[str, Said] = {
    Outcome.ACCEPTED: Said("✓", "good", "it made syncs"),
    Outcome.IGNORED: Said("·", "quiet", "understood, and not for us"),
    Outcome.DUPLICATE: Said("=", "quiet", "it repeats an earlier one"),
    Outcome.QUARANTINED: Said("?", "bad", "not understood; kept whole"),
}

# What the filter of syncs offers beside the single states.
GROUPS: Mapping[str, tuple[str, frozenset[str]]] = {
    "open": ("under way", frozenset(OPEN_STATES)),
    "failing": ("failed, and nothing newer", frozenset(FAILING_STATES)),
}
SINCE: Mapping[str, str] = {"1h": "last hour", "24h": "last 24 hours", "7d": "last 7 days"}
