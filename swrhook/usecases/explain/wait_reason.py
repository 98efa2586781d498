"""Why an open sync waits, and until when, from what the worker has recorded."""

from datetime import datetime

from swrhook.ledger.queries.tag_history import TagHistorySync
from swrhook.model import State
from swrhook.syncs.backoff import Limits
from swrhook.usecases.explain.text import format_time


def wait_reason(history: TagHistorySync, limits: Limits, now: datetime) -> str | None:
    """Return why the sync waits; None if it has ended."""
    sync, reason = history.sync, history.listed.reason
    if history.listed.paused is not None:
        return reason
    match sync.state:
        case State.CALLING:
            called_at = format_time(sync.updated_at)
            return f"sync_images was called at {called_at} and has not answered yet"
        case State.TRIGGERED:
            waiting = "sync_images accepted the call, and the target is polled"
            waiting += f": {reason}" if reason else ""
        case State.PENDING:
            waiting = _pending_reason(history, limits)
        case _:
            return None
    return f"{waiting}; {_next_attempt(history, now)}"


def _pending_reason(history: TagHistorySync, limits: Limits) -> str:
    sync, listed = history.sync, history.listed
    if sync.waiting_since is not None:
        since = format_time(sync.waiting_since)
        until = format_time(sync.waiting_since + limits.source_deadline)
        return f"it has been missing in {listed.source_region} since {since}, deadline {until}"
    if listed.error is not None and listed.error.code == "not_asked":
        return f"the endpoint's circuit breaker is open: {listed.error.message}"
    if sync.failing_since is not None:
        until = format_time(sync.failing_since + limits.retry.deadline)
        return f"{sync.failures} attempts in a row failed, deadline {until}: {listed.reason}"
    return listed.reason or "it waits for its turn"


def _next_attempt(history: TagHistorySync, now: datetime) -> str:
    """Return when the sync is due or, if it is due already, when its lane may run."""
    due_at, lane_due_at = history.sync.due_at, history.lane_due_at
    if due_at is not None and due_at > now:
        return f"next attempt at {format_time(due_at)}"
    if lane_due_at is not None and lane_due_at > now:
        return f"delayed by the limits of its regions until {format_time(lane_due_at)}"
    if history.is_ready:
        return "due now, and its lane waits for room in its regions"
    return "due now"
