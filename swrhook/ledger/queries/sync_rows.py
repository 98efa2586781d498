"""Rows of syncs with what their targets held last, as the API shows them."""

from sqlalchemy import RowMapping

from swrhook.ledger.queries.views import ListedDrift, ListedError, ListedPause, ListedSync
from swrhook.ledger.rows import field_columns
from swrhook.ledger.tables import syncs
from swrhook.model import State
from swrhook.syncs.observations import DriftKind
from swrhook.syncs.pauses import Pause, Pauses
from swrhook.wording.message import say
from swrhook.wording.storage import decode, restore, restore_optional

LISTED_COLUMNS = field_columns(syncs, ListedSync, exclude=("digest",))


def to_listed(row: RowMapping, pauses: Pauses) -> ListedSync:
    """Return the sync of a row; `pauses` are those that last."""
    error, messages = None, decode(row["wording"])
    if row["error_code"] is not None:
        error = ListedError(
            row["error_code"],
            restore(row["error_message"], messages),
            restore_optional(row["error_remedy"], messages),
        )
    columns = {column.name: row[column.name] for column in LISTED_COLUMNS}
    columns["reason"] = restore_optional(row["reason"], messages)
    if row["state"] == State.CALLING:
        columns["due_at"] = None  # it is due only if its worker dies
    paused = None
    if row["state"] in (State.PENDING, State.TRIGGERED):
        regions = (row["source_region"], row["target_region"])
        paused = pauses.of_sync(*regions, row["rule"], row["sender"])
    if paused is not None:
        columns |= {"due_at": None, "reason": paused.description}
    return ListedSync(
        digest=row["digest"],
        error=error,
        observed_at=row["observed_at"],
        observed_digest=row["observed_digest"],
        drift=_drift(row),
        paused=None if paused is None else _to_listed_pause(paused),
        **columns,
    )


def _to_listed_pause(pause: Pause) -> ListedPause:
    return ListedPause(pause.kind, pause.name, pause.since, pause.until, pause.reason)


def _drift(row: RowMapping) -> ListedDrift | None:
    """Return how the target of a verified sync has changed since, None if it has not."""
    verified_at, observed_at, digest = row["verified_at"], row["observed_at"], row["digest"]
    is_later = verified_at and observed_at and observed_at >= verified_at
    if row["state"] != State.VERIFIED or not is_later or row["observed_digest"] == digest:
        return None
    if row["observed_digest"] is None:
        return ListedDrift(DriftKind.MISSING, row["since"], None)
    sync = row["observed_sync"]
    why = say("the sync %(sync)s has copied it", sync=sync) if sync else None
    return ListedDrift(DriftKind.CHANGED, row["since"], why)
