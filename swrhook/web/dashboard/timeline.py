"""The history of a sync as a list of steps: what happened, when, and what comes next."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from swrhook.ledger.queries.sync_timeline import Call, SyncTimeline
from swrhook.model import OPEN_STATES, Sync
from swrhook.web.dashboard.formats import format_error
from swrhook.web.dashboard.labels import STATES


@dataclass(frozen=True, slots=True)
class Step:
    """One step; `at` is None if the time is not known. The tone `ahead` marks future steps."""

    at: datetime | None
    title: str
    text: str | None = None
    tone: str = "done"
    delivery: str | None = None
    sync: str | None = None


def steps(timeline: SyncTimeline) -> list[Step]:
    """Return the steps, oldest first, then the present state and what comes next."""
    past = sorted(_past(timeline), key=lambda step: step.at or timeline.sync.updated_at)
    return [*past, *_present(timeline)]


def _past(timeline: SyncTimeline) -> Iterator[Step]:
    sync, progress = timeline.sync, timeline.progress
    if sync.delivery is None:
        yield Step(sync.created_at, "Ordered without a delivery")
    else:
        text = f'The sender "{sync.sender}" announced the tag.'
        yield Step(timeline.received_at, "Received", text, delivery=sync.delivery)
    target = f"{sync.target_region}/{sync.target_namespace}"
    text = f'The rule "{sync.rule}" (configuration {sync.rules_version}) sends it to {target}.'
    yield Step(sync.created_at, "Matched", text)
    if progress.waiting_since is not None:
        text = f"The tag was not in {sync.source_region} yet."
        yield Step(progress.waiting_since, "Waiting for the source", text, "open")
    if progress.failing_since is not None:
        began = "Requests to SWR began to fail."
        text = began if progress.failures else "Waiting for a failing region to recover."
        yield Step(progress.failing_since, "Failing", text, "fair")
    for call in timeline.calls:
        yield from _call_steps(call)
    if progress.verifying_since is not None:
        text = f"Looking for the source's digest in {target}."
        yield Step(progress.verifying_since, "Checking the target", text)


def _call_steps(call: Call) -> Iterator[Step]:
    yield Step(call.started_at, "Called", "sync_images in the source region.")
    if call.ended_at is not None and call.code is None:
        text = "SWR accepted the call; the copy is not verified yet."
        yield Step(call.ended_at, "Triggered", text)
    elif call.ended_at is not None:
        text = format_error(call.code, call.message)
        yield Step(call.ended_at, "SWR answered with an error", text, "fair")


def _present(timeline: SyncTimeline) -> Iterator[Step]:
    sync = timeline.sync
    label = STATES[sync.state]
    reason = sync.reason or (sync.error.message if sync.error else None)
    sentences = [label.meaning, reason, _count_tries(timeline.progress)]
    text = " ".join(_sentence(words) for words in sentences if words)
    if sync.state in OPEN_STATES:
        yield Step(sync.updated_at, f"Now: {sync.state}", text, "open")
        if sync.due_at is not None:
            yield Step(sync.due_at, "Next check or attempt", None, "ahead")
    else:
        at, title = sync.verified_at or sync.updated_at, sync.state.capitalize()
        yield Step(at, title, text, label.tone, sync=sync.superseded_by)


def _count_tries(sync: Sync) -> str | None:
    """Return how often the present step of an open sync was tried."""
    if sync.state not in OPEN_STATES:
        return None
    if sync.failing_since is not None and sync.failures:
        attempts = "1 attempt" if sync.failures == 1 else f"{sync.failures} attempts in a row"
        return f"{attempts} failed so far"
    if sync.polls:
        checks = "once" if sync.polls == 1 else f"{sync.polls} times"
        return f"checked {checks} so far"
    return None


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."
