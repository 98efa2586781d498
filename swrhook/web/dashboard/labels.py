"""Labels of states and outcomes: a sign, a colour, and the meaning in plain words."""

from collections.abc import Mapping
from dataclasses import dataclass

from swrhook.ledger.queries.overview import FAILING_STATES
from swrhook.model import OPEN_STATES, Outcome, State
from swrhook.notifications.model import NotificationState
from swrhook.syncs.observations import DriftKind
from swrhook.syncs.reconciliation import Drift, Stage
from swrhook.wording.message import Message, say


@dataclass(frozen=True, slots=True)
class Label:
    """A sign (readable without the colour), a tone (a CSS class), and the meaning."""

    sign: str
    tone: str
    meaning: str


STATES: Mapping[str, Label] = {
    State.PENDING: Label(
        "○", "open", say("waiting for its turn, for the tag in the source region, or for a retry")
    ),
    State.CALLING: Label("◐", "open", say("sync_images is being called")),
    State.TRIGGERED: Label("◑", "open", say("SWR accepted the call; the target is being checked")),
    State.VERIFIED: Label("✓", "good", say("the target has the tag with the source's digest")),
    State.UNVERIFIED: Label(
        "≈", "fair", say("SWR accepted the call, but the target cannot be checked")
    ),
    State.DIVERGED: Label("≠", "bad", say("the target has another digest")),
    State.MISSING: Label(
        "∅", "bad", say("the tag never appeared in the source region, or never reached the target")
    ),
    State.REJECTED: Label("✕", "bad", say("SWR or the configuration does not allow it")),
    State.EXHAUSTED: Label("!", "bad", say("it kept failing until the deadline")),
    State.SUPERSEDED: Label(
        "→", "quiet", say("replaced by the sync of a later push of the same tag")
    ),
    State.CANCELLED: Label("⊘", "quiet", say("cancelled by an operator")),
}

DRIFTS: Mapping[str, Label] = {
    DriftKind.MISSING: Label("∅", "bad", say("the target does not hold the tag any more")),
    DriftKind.CHANGED: Label("≠", "bad", say("the target holds another digest now")),
}

OUTCOMES: Mapping[str, Label] = {
    Outcome.ACCEPTED: Label("✓", "good", say("it created syncs")),
    Outcome.IGNORED: Label("·", "quiet", say("understood, but there is nothing to do")),
    Outcome.DUPLICATE: Label("=", "quiet", say("it repeats an earlier delivery")),
    Outcome.QUARANTINED: Label("?", "bad", say("not understood; stored in full")),
}

STAGES: Mapping[str, Label] = {
    Stage.DISCOVERING: Label("◔", "open", say("organizations and repositories are being listed")),
    Stage.COMPARING: Label("◐", "open", say("sources and targets are being compared")),
    Stage.PLANNED: Label("○", "fair", say("compared; it waits until you start it")),
    Stage.ORDERING: Label("◑", "open", say("its syncs are being recorded")),
    Stage.DONE: Label("✓", "good", say("compared, and all its syncs are recorded")),
    Stage.CANCELLED: Label("⊘", "quiet", say("cancelled by an operator")),
}

FINDINGS: Mapping[str, Label] = {
    Drift.SAME: Label("✓", "good", say("source and target hold the same")),
    Drift.MISSING: Label("∅", "bad", say("the target does not have the tag")),
    Drift.DIVERGED: Label("≠", "bad", say("the target has another image under the tag")),
    Drift.UNWANTED: Label("·", "quiet", say("copied before, and no rule wants it any more")),
    Drift.UNREADABLE: Label("?", "fair", say("the target's tags cannot be read")),
}
DIFFERENCES = [drift.value for drift in Drift if drift is not Drift.SAME]

NOTIFICATIONS: Mapping[str, Label] = {
    NotificationState.GATHERING: Label("○", "open", say("events are added to it until it is due")),
    NotificationState.SENDING: Label("◐", "open", say("being delivered, or waiting for a retry")),
    NotificationState.SENT: Label("✓", "good", say("the channel accepted it")),
    NotificationState.FAILED: Label(
        "!", "bad", say("the channel did not accept it within 24 hours")
    ),
}

# Groups of states in the filter of syncs: title and states.
GROUPS: Mapping[str, tuple[str, frozenset[str]]] = {
    "open": (say("in progress"), frozenset(OPEN_STATES)),
    "failing": (say("failed, without a newer sync"), frozenset(FAILING_STATES)),
}
SINCE: Mapping[str, str] = {
    "1h": say("last hour"),
    "24h": say("last 24 hours"),
    "7d": say("last 7 days"),
}

# The words of the domain that pages show; in the API, URLs and logs they stay as they are.
WORDS: Mapping[str, Message] = {
    message.sentence: message
    for message in (
        *(say("pending"), say("calling"), say("triggered"), say("verified"), say("unverified")),
        *(say("diverged"), say("missing"), say("rejected"), say("exhausted"), say("superseded")),
        *(say("cancelled"), say("changed"), say("accepted"), say("ignored"), say("duplicate")),
        *(say("quarantined"), say("gathering"), say("sending"), say("sent"), say("failed")),
        *(say("late"), say("recovered"), say("region"), say("sender"), say("configuration")),
        *(say("available"), say("drift"), say("test"), say("ask"), say("read"), say("operate")),
        *(say("admin"), say("matched"), say("not matched"), say("disabled"), say("attachment")),
        *(say("excluded"), say("sync"), say("shadow"), say("refused"), say("gained"), say("lost")),
        *(say("redirected"), say("override"), say("organization"), say("backfill")),
        *(say("reconcile"), say("comparing"), say("planned"), say("ordering"), say("done")),
        *(say("same"), say("unwanted"), say("unreadable"), say("rule"), say("discovering")),
    )
}


def to_word(word: str) -> str:
    """Return a word of the domain so that a page can put it into its language."""
    return WORDS.get(word, word)
