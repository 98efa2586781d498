"""Labels of states and outcomes: a sign, a colour, and the meaning in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass

from swrhook.ledger.queries.overview import FAILING_STATES
from swrhook.model import OPEN_STATES, Outcome, State
from swrhook.notifications.model import NotificationState
from swrhook.syncs.observations import DriftKind
from swrhook.syncs.reconciliation import Drift, Stage


@dataclass(frozen=True, slots=True)
class Label:
    """A sign (readable without the colour), a tone (a CSS class), and the meaning."""

    sign: str
    tone: str
    meaning: str


STATES: Mapping[str, Label] = {
    State.PENDING: Label(
        "○", "open", "waiting for its turn, for the tag in the source region, or for a retry"
    ),
    State.CALLING: Label("◐", "open", "sync_images is being called"),
    State.TRIGGERED: Label("◑", "open", "SWR accepted the call; the target is being checked"),
    State.VERIFIED: Label("✓", "good", "the target has the tag with the source's digest"),
    State.UNVERIFIED: Label("≈", "fair", "SWR accepted the call, but the target cannot be checked"),
    State.DIVERGED: Label("≠", "bad", "the target has another digest"),
    State.MISSING: Label(
        "∅", "bad", "the tag never appeared in the source region, or never reached the target"
    ),
    State.REJECTED: Label("✕", "bad", "SWR or the configuration does not allow it"),
    State.EXHAUSTED: Label("!", "bad", "it kept failing until the deadline"),
    State.SUPERSEDED: Label("→", "quiet", "replaced by the sync of a later push of the same tag"),
    State.CANCELLED: Label("⊘", "quiet", "cancelled by an operator"),
}

DRIFTS: Mapping[str, Label] = {
    DriftKind.MISSING: Label("∅", "bad", "the target does not hold the tag any more"),
    DriftKind.CHANGED: Label("≠", "bad", "the target holds another digest now"),
}

OUTCOMES: Mapping[str, Label] = {
    Outcome.ACCEPTED: Label("✓", "good", "it created syncs"),
    Outcome.IGNORED: Label("·", "quiet", "understood, but there is nothing to do"),
    Outcome.DUPLICATE: Label("=", "quiet", "it repeats an earlier delivery"),
    Outcome.QUARANTINED: Label("?", "bad", "not understood; stored whole"),
}

STAGES: Mapping[str, Label] = {
    Stage.COMPARING: Label("◐", "open", "sources and targets are being compared"),
    Stage.PLANNED: Label("○", "fair", "compared; it waits for your start"),
    Stage.ORDERING: Label("◑", "open", "its syncs are being recorded"),
    Stage.DONE: Label("✓", "good", "compared, and every sync of it is recorded"),
    Stage.CANCELLED: Label("⊘", "quiet", "cancelled by an operator"),
}

FINDINGS: Mapping[str, Label] = {
    Drift.SAME: Label("✓", "good", "source and target hold the same"),
    Drift.MISSING: Label("∅", "bad", "the target does not have the tag"),
    Drift.DIVERGED: Label("≠", "bad", "the target has another image under the tag"),
    Drift.UNWANTED: Label("·", "quiet", "copied before, and no rule wants it any more"),
    Drift.UNREADABLE: Label("?", "fair", "the target's tags cannot be read"),
}
DIFFERENCES = [drift.value for drift in Drift if drift is not Drift.SAME]

NOTIFICATIONS: Mapping[str, Label] = {
    NotificationState.GATHERING: Label("○", "open", "what belongs to it is added until it is due"),
    NotificationState.SENDING: Label("◐", "open", "being delivered, or waiting for a retry"),
    NotificationState.SENT: Label("✓", "good", "the channel accepted it"),
    NotificationState.FAILED: Label("!", "bad", "the channel did not accept it within 24 hours"),
}

# Groups of states in the filter of syncs: title and states.
GROUPS: Mapping[str, tuple[str, frozenset[str]]] = {
    "open": ("in progress", frozenset(OPEN_STATES)),
    "failing": ("failed, without a newer sync", frozenset(FAILING_STATES)),
}
SINCE: Mapping[str, str] = {"1h": "last hour", "24h": "last 24 hours", "7d": "last 7 days"}
