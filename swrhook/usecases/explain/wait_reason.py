"""Why an open sync waits, and until when, from what the worker has recorded."""

from datetime import datetime

from swrhook.ledger.queries.tag_history import TagHistorySync
from swrhook.model import State
from swrhook.syncs.backoff import Limits
from swrhook.usecases.explain.text import format_time
from swrhook.wording.message import say


def wait_reason(history: TagHistorySync, limits: Limits, now: datetime) -> str | None:
    """Return why the sync waits; None if it has ended."""
    sync, reason = history.sync, history.listed.reason
    if history.listed.paused is not None:
        return reason
    waiting: str
    match sync.state:
        case State.CALLING:
            called_at = format_time(sync.updated_at)
            return say(
                "sync_images was called at %(time)s and has not answered yet", time=called_at
            )
        case State.TRIGGERED:
            waiting = say("sync_images accepted the call, and the target is polled")
            if reason:
                waiting = say(
                    "sync_images accepted the call, and the target is polled: %(reason)s",
                    reason=reason,
                )
        case State.PENDING:
            waiting = _pending_reason(history, limits)
        case _:
            return None
    return say("%(first)s; %(last)s", first=waiting, last=_next_attempt(history, now))


def _pending_reason(history: TagHistorySync, limits: Limits) -> str:
    sync, listed = history.sync, history.listed
    if sync.waiting_since is not None:
        since = format_time(sync.waiting_since)
        until = format_time(sync.waiting_since + limits.source_deadline)
        return say(
            "it has been missing in %(region)s since %(since)s, deadline %(until)s",
            region=listed.source_region,
            since=since,
            until=until,
        )
    if listed.error is not None and listed.error.code == "not_asked":
        return say(
            "the endpoint's circuit breaker is open: %(message)s", message=listed.error.message
        )
    if sync.failing_since is not None:
        until = format_time(sync.failing_since + limits.retry.deadline)
        return say(
            "%(failures)s attempts in a row failed, deadline %(until)s: %(reason)s",
            failures=sync.failures,
            until=until,
            reason=listed.reason,
        )
    return listed.reason or say("it waits for its turn")


def _next_attempt(history: TagHistorySync, now: datetime) -> str:
    """Return when the sync is due or, if it is due already, when its lane may run."""
    due_at, lane_due_at = history.sync.due_at, history.lane_due_at
    if due_at is not None and due_at > now:
        return say("next attempt at %(time)s", time=format_time(due_at))
    if lane_due_at is not None and lane_due_at > now:
        return say(
            "delayed by the limits of its regions until %(time)s", time=format_time(lane_due_at)
        )
    if history.is_ready:
        return say("due now, and its lane waits for room in its regions")
    return say("due now")
