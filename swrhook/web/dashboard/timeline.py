"""The history of a sync as a list of steps: what happened, when, and what comes next."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from swrhook.ledger.queries.sync_timeline import Call, SyncTimeline
from swrhook.model import OPEN_STATES, Sync
from swrhook.web.dashboard.formats import format_error
from swrhook.web.dashboard.labels import STATES, to_word
from swrhook.wording.message import capitalize, join_sentences, say, say_count, to_sentence


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
        yield Step(sync.created_at, say("Ordered without a delivery"))
    else:
        text = say('The sender "%(sender)s" announced the tag.', sender=sync.sender)
        yield Step(timeline.received_at, say("Received"), text, delivery=sync.delivery)
    target = f"{sync.target_region}/{sync.target_namespace}"
    text = say(
        'The rule "%(rule)s" (configuration %(version)s) sends it to %(target)s.',
        rule=sync.rule,
        version=sync.rules_version,
        target=target,
    )
    yield Step(sync.created_at, say("Matched"), text)
    if progress.waiting_since is not None:
        text = say("The tag was not in %(region)s yet.", region=sync.source_region)
        yield Step(progress.waiting_since, say("Waiting for the source"), text, "open")
    if progress.failing_since is not None:
        began = say("Requests to SWR began to fail.")
        text = began if progress.failures else say("Waiting for a failing region to recover.")
        yield Step(progress.failing_since, say("Failing"), text, "fair")
    for call in timeline.calls:
        yield from _call_steps(call)
    if progress.verifying_since is not None:
        text = say("Looking for the source's digest in %(target)s.", target=target)
        yield Step(progress.verifying_since, say("Checking the target"), text)


def _call_steps(call: Call) -> Iterator[Step]:
    yield Step(call.started_at, say("Called"), say("sync_images in the source region."))
    if call.ended_at is not None and call.code is None:
        text = say("SWR accepted the call; the copy is not verified yet.")
        yield Step(call.ended_at, say("Triggered"), text)
    elif call.ended_at is not None:
        error = format_error(call.code, call.message)
        yield Step(call.ended_at, say("SWR answered with an error"), error, "fair")


def _present(timeline: SyncTimeline) -> Iterator[Step]:
    sync = timeline.sync
    label = STATES[sync.state]
    reason = sync.reason or (sync.error.message if sync.error else None)
    sentences = [label.meaning, reason, _count_tries(timeline.progress)]
    text = join_sentences([to_sentence(words) for words in sentences if words])
    if sync.state in OPEN_STATES:
        yield Step(sync.updated_at, say("Now: %(state)s", state=to_word(sync.state)), text, "open")
        if sync.due_at is not None:
            yield Step(sync.due_at, say("Next check or attempt"), None, "ahead")
    else:
        at, title = sync.verified_at or sync.updated_at, capitalize(to_word(sync.state))
        yield Step(at, title, text, label.tone, sync=sync.superseded_by)


def _count_tries(sync: Sync) -> str | None:
    """Return how often the present step of an open sync was tried."""
    if sync.state not in OPEN_STATES:
        return None
    if sync.failing_since is not None and sync.failures:
        return say_count(
            "%(count)s attempt failed so far",
            "%(count)s attempts in a row failed so far",
            sync.failures,
        )
    if sync.polls:
        return say_count("checked once so far", "checked %(count)s times so far", sync.polls)
    return None
