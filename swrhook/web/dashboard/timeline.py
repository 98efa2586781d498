"""The life of a sync, step by step: what happened, when, and what comes next."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from swrhook.ledger.queries.sync_timeline import Call, SyncTimeline
from swrhook.model import State
from swrhook.web.dashboard.labels import STATES


@dataclass(frozen=True, slots=True)
class Step:
    """One step; `at` None: when is not known. A step `ahead` has not happened yet."""

    at: datetime | None
    title: str
    text: str | None = None
    tone: str = "done"
    delivery: str | None = None
    sync: str | None = None


def steps(life: SyncTimeline) -> list[Step]:
    """Return the steps, oldest first, then what is ahead."""
    past = sorted(_past(life), key=lambda step: step.at or life.sync.updated_at)
    return [*past, *_now(life)]


def _past(life: SyncTimeline) -> Iterator[Step]:
    sync, progress = life.sync, life.progress
    if sync.delivery is None:
        yield Step(sync.created_at, "Ordered without a delivery")
    else:
        heard = f"The sender «{sync.sender}» announced the tag."
        yield Step(life.received_at, "Received", heard, delivery=sync.delivery)
    target = f"{sync.target_region}/{sync.target_namespace}"
    wanted = f"The rule «{sync.rule}» (configuration {sync.rules_version}) wants it in {target}."
    yield Step(sync.created_at, "Matched", wanted)
    if progress.waiting_since is not None:
        looks = f"{sync.source_region} did not hold the tag yet. Looks: {progress.polls}."
        yield Step(progress.waiting_since, "Waiting for the source", looks, "open")
    if progress.failing_since is not None:
        tries = f"Tries failed since then: {progress.failures}."
        text = tries if progress.failures else "It waits for a region that fails."
        yield Step(progress.failing_since, "Failing", text, "fair")
    for call in life.calls:
        yield from _of_call(call)
    if progress.verifying_since is not None:
        text = (
            f"Looked for the source's digest in {target}. Looks since the call: {progress.polls}."
        )
        yield Step(progress.verifying_since, "Looking at the target", text)


def _of_call(call: Call) -> Iterator[Step]:
    yield Step(call.started_at, "Called", "sync_images, in the source's region.")
    if call.ended_at is None:
        return
    if call.code is None:
        yield Step(call.ended_at, "Triggered", "SWR took the call; that is no proof yet.")
    else:
        text = f"{call.code}: {call.message or 'without a message'}"
        yield Step(call.ended_at, "SWR answered with an error", text, "fair")


def _now(life: SyncTimeline) -> Iterator[Step]:
    sync = life.sync
    said = STATES[sync.state]
    why = sync.reason or (sync.error.message if sync.error else None)
    reason = _sentence(said.meaning) + (f" {_sentence(why)}" if why else "")
    title = sync.state.capitalize()
    if sync.state in (State.PENDING, State.CALLING, State.TRIGGERED):
        yield Step(sync.updated_at, f"Now: {sync.state}", reason, "open")
        if sync.due_at is not None:
            yield Step(sync.due_at, "Next look or try", None, "ahead")
    else:
        yield Step(
            sync.verified_at or sync.updated_at, title, reason, said.tone, sync=sync.superseded_by
        )


def _sentence(words: str) -> str:
    return f"{words[:1].upper()}{words[1:].rstrip('.')}."
