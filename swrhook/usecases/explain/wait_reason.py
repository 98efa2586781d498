"""Why an open sync waits, and until when: read from what the worker has written down."""

from datetime import UTC, datetime

from swrhook.ledger.queries.tag_history import TagHistorySync
from swrhook.model import State
from swrhook.syncs.backoff import Limits


def instant(time: datetime) -> str:
    """Write a time to the second, as the API does."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def wait_reason(known: TagHistorySync, limits: Limits, now: datetime) -> str | None:
    """Say why the sync waits; None of one that has ended."""
    sync, reason = known.sync, known.listed.reason
    match sync.state:
        case State.CALLING:
            return f"a call of sync_images is under way since {instant(sync.updated_at)}"
        case State.TRIGGERED:
            why = "sync_images has taken it, and the target is looked at"
            why += f": {reason}" if reason else ""
        case State.PENDING:
            why = _before_the_call(known, limits)
        case _:
            return None
    return f"{why}; {_next(known, now)}"


def _before_the_call(known: TagHistorySync, limits: Limits) -> str:
    sync, listed = known.sync, known.listed
    if sync.waiting_since is not None:
        until = instant(sync.waiting_since + limits.source_deadline)
        since = instant(sync.waiting_since)
        return f"it is not in {listed.source_region} since {since}, waited for until {until}"
    if listed.error is not None and listed.error.code == "not_asked":
        return f"the endpoint is left alone for a while: {listed.error.message}"
    if sync.failing_since is not None:
        until = instant(sync.failing_since + limits.retry.deadline)
        return f"{sync.failures} tries in a row failed, given up at {until}: {listed.reason}"
    return listed.reason or "it is in line"


def _next(known: TagHistorySync, now: datetime) -> str:
    """Say when it goes on: when it is due or, if that is over, when its lane has room."""
    due_at, wake_at = known.sync.due_at, known.wake_at
    if due_at is not None and due_at > now:
        return f"next at {instant(due_at)}"
    if wake_at is not None and wake_at > now:
        return f"the pace or the calls in flight put it off until {instant(wake_at)}"
    return "due now"
