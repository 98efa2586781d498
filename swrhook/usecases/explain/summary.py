"""Summarize an explanation in one sentence: was the tag replicated and, if not, why."""

from collections.abc import Mapping, Sequence
from datetime import datetime

from swrhook.ledger.queries.expansions import ListedExpansion
from swrhook.ledger.queries.views import ListedSync
from swrhook.model import Outcome, State
from swrhook.syncs.observations import DriftKind
from swrhook.units import format_span
from swrhook.usecases.explain.model import (
    ExplainedDelivery,
    ExplainedSender,
    ExplainedSync,
    Explanation,
)
from swrhook.usecases.explain.text import capitalize, format_time, shorten

_ARRIVED = frozenset({State.VERIFIED, State.UNVERIFIED})
# Targets with a problem come first.
_PROGRESS_ORDER: Mapping[str, int] = {"drifted": 0, "ended": 1, "open": 2, "arrived": 3}


def summarize(explanation: Explanation, now: datetime) -> str:
    """Return some sentences that begin with the image."""
    answer = f"{explanation.image} {_predicate(explanation, now)}"
    return ". ".join([answer, *map(_describe_expansion, explanation.expanding)])


def _describe_expansion(expansion: ListedExpansion) -> str:
    waits = ", and waits until its sender has fewer open syncs" if expansion.over_max_open else ""
    return (
        f"The delivery {expansion.delivery} of {expansion.sender} at "
        f"{format_time(expansion.received_at)} is expanding{waits}: {expansion.pushes_left} of its"
        f" {expansion.pushes_total} image tags are not recorded yet, and this one may be among them"
    )


def _predicate(explanation: Explanation, now: datetime) -> str:
    latest = _latest_syncs(explanation)
    unsynced = _unsynced_delivery(explanation, latest)
    if unsynced is not None:
        return _explain_unsynced(unsynced, explanation)
    if latest:
        return _summarize_targets(latest, now)
    prediction = _predict(explanation.senders)
    since = explanation.oldest_record_at
    if since is None:
        return f"was never announced: the ledger is empty. {prediction}"
    record = f"no delivery has announced this tag since {format_time(since)}, the oldest record"
    return f"was not replicated: {record}. {prediction}"


def _latest_syncs(explanation: Explanation) -> Sequence[ExplainedSync]:
    """Return the newest sync to each target."""
    latest: dict[tuple[str, str], ExplainedSync] = {}
    for explained in explanation.syncs:
        sync = explained.sync
        latest.setdefault((sync.target_region, sync.target_namespace), explained)
    return list(latest.values())


def _unsynced_delivery(
    explanation: Explanation, latest: Sequence[ExplainedSync]
) -> ExplainedDelivery | None:
    """Return the newest delivery if it led to no sync of the tag and no sync is newer."""
    newest = explanation.deliveries[0] if explanation.deliveries else None
    if newest is None or newest.delivery.syncs or newest.delivery.outcome == Outcome.DUPLICATE:
        return None
    received_at = newest.delivery.received_at
    is_last = all(explained.sync.created_at < received_at for explained in latest)
    return newest if is_last else None


def _explain_unsynced(unsynced: ExplainedDelivery, explanation: Explanation) -> str:
    delivery = unsynced.delivery
    reason = unsynced.about or delivery.reason or "its push led to no sync"
    senders = (sender for sender in explanation.senders if sender.sender == delivery.sender)
    sender = next(senders, None)
    more = ""
    if sender is None:
        more = f". The sender {delivery.sender} cannot announce it any more"
    elif unsynced.rules_changed:
        remedy = f": replay {delivery.id}" if sender.matched else ""
        more = f". The rules have changed since, and now {sender.summary}{remedy}"
    elif not sender.matched:
        reason = sender.summary  # the same decision, with the clause that led to it
    outcome = "ignored" if delivery.outcome == Outcome.IGNORED else f"{delivery.outcome} without it"
    return (
        f"was not replicated: the delivery {delivery.id} of {delivery.sender} at "
        f"{format_time(delivery.received_at)} was {outcome}: {reason}{more}"
    )


def _summarize_targets(latest: Sequence[ExplainedSync], now: datetime) -> str:
    if len(latest) == 1:
        verbs = {
            "drifted": "is not there any more",
            "arrived": "was replicated",
            "open": "is on its way",
            "ended": "was not replicated",
        }
        return f"{verbs[_progress(latest[0])]}: {_describe_sync(latest[0], now)}"
    count = sum(_progress(explained) == "arrived" for explained in latest)
    ordered = sorted(latest, key=lambda explained: _PROGRESS_ORDER[_progress(explained)])
    targets = shorten([_describe_sync(explained, now) for explained in ordered])
    return f"is at {count} of {len(latest)} targets: {'; '.join(targets)}"


def _progress(explained: ExplainedSync) -> str:
    if explained.sync.drift is not None:
        return "drifted"
    if State(explained.sync.state) in _ARRIVED:
        return "arrived"
    return "ended" if explained.waiting is None else "open"


def _describe_sync(explained: ExplainedSync, now: datetime) -> str:
    """Return the state of a sync, the reason for it, and how old the proof is."""
    sync = explained.sync
    target = f"{sync.target_region}/{sync.target_namespace}"
    if explained.waiting is not None:
        return f"{target} is {sync.state}: {explained.waiting}"
    if sync.state == State.VERIFIED:
        verified_at = format_time(sync.verified_at or sync.updated_at)
        call = _describe_call(explained)
        return f"{target} was verified at {verified_at} {call}, {describe_age(sync, now)}"
    remedy = f". {capitalize(sync.error.remedy)}" if sync.error and sync.error.remedy else ""
    reason = sync.reason or (sync.error and sync.error.message) or "no reason is recorded"
    return f"{target} is {sync.state} (since {format_time(sync.updated_at)}): {reason}{remedy}"


def describe_age(sync: ListedSync, now: datetime) -> str:
    """Return when the target of a verified sync was last observed, and what is wrong there."""
    if sync.observed_at is None:
        return "and was not observed since"
    age = f"{format_span(now - sync.observed_at)} ago"
    if sync.drift is None:
        return f"last seen {age}"
    since, why = format_time(sync.drift.since), f" ({sync.drift.why})" if sync.drift.why else ""
    if sync.drift.kind is DriftKind.MISSING:
        return f"but is missing there since {since}{why}, last looked {age}"
    return f"but the target has {sync.observed_digest} since {since}{why}, last looked {age}"


def _describe_call(explained: ExplainedSync) -> str:
    call = next((call for call in explained.calls if call.ended_at and call.code is None), None)
    if call is None:
        return f"without a call: {explained.sync.reason or 'the target had the digest'}"
    return f"by call {call.id}, started at {format_time(call.started_at)}"


def _predict(senders: Sequence[ExplainedSender]) -> str:
    """Return what would happen if the tag were announced now."""
    if not senders:
        return "No configured sender can announce it"
    names_by_summary: dict[str, list[str]] = {}
    for sender in senders:
        names_by_summary.setdefault(sender.summary, []).append(sender.sender)
    predictions = [
        f"if {' or '.join(shorten(names))} announced it now: {summary}"
        for summary, names in names_by_summary.items()
    ]
    return capitalize("; ".join(shorten(predictions)))
