"""The history of a sync as a list of steps: what happened, when, and what comes next."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from swrhook.ledger.queries.sync_timeline import Call, SyncTimeline
from swrhook.model import OPEN_STATES
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
        text = f"The tag was not in {sync.source_region} yet. Checks: {progress.polls}."
        yield Step(progress.waiting_since, "Waiting for the source", text, "open")
    if progress.failing_since is not None:
        failures = f"Failed attempts since then: {progress.failures}."
        text = failures if progress.failures else "Waiting for a failing region to recover."
        yield Step(progress.failing_since, "Failing", text, "fair")
    for call in timeline.calls:
        yield from _call_steps(call)
    if progress.verifying_since is not None:
        text = f"Looking for the source's digest in {target}. Checks: {progress.polls}."
        yield Step(progress.verifying_since, "Checking the target", text)


def _call_steps(call: Call) -> Iterator[Step]:
    yield Step(call.started_at, "Called", "sync_images in the source region.")
    if call.ended_at is not None and call.code is None:
        text = "SWR accepted the call; the copy is not verified yet."
        yield Step(call.ended_at, "Triggered", text)
    elif call.ended_at is not None:
        text = f"{call.code}: {call.message or 'without a message'}"
        yield Step(call.ended_at, "SWR answered with an error", text, "fair")


def _present(timeline: SyncTimeline) -> Iterator[Step]:
    sync = timeline.sync
    label = STATES[sync.state]
    reason = sync.reason or (sync.error.message if sync.error else None)
    text = _sentence(label.meaning) + (f" {_sentence(reason)}" if reason else "")
    if sync.state in OPEN_STATES:
        yield Step(sync.updated_at, f"Now: {sync.state}", text, "open")
        if sync.due_at is not None:
            yield Step(sync.due_at, "Next check or attempt", None, "ahead")
    else:
        at, title = sync.verified_at or sync.updated_at, sync.state.capitalize()
        yield Step(at, title, text, label.tone, sync=sync.superseded_by)


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."
