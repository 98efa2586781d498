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
from swrhook.usecases.explain.text import format_time, shorten
from swrhook.wording.message import (
    capitalize,
    join_clauses,
    join_parts,
    say,
    say_alternatives,
)

_ARRIVED = frozenset({State.VERIFIED, State.UNVERIFIED})
# Targets with a problem come first.
_PROGRESS_ORDER: Mapping[str, int] = {"drifted": 0, "ended": 1, "open": 2, "arrived": 3}


def summarize(explanation: Explanation, now: datetime) -> str:
    """Return some sentences that begin with the image."""
    answer = say(
        "%(image)s %(predicate)s",
        image=explanation.image,
        predicate=_predicate(explanation, now),
    )
    return join_clauses([answer, *map(_describe_expansion, explanation.expanding)])


def _describe_expansion(expansion: ListedExpansion) -> str:
    sentence = _WAITING_EXPANSION if expansion.over_max_open else _EXPANSION
    return sentence.using(
        delivery=expansion.delivery,
        sender=expansion.sender,
        time=format_time(expansion.received_at),
        left=str(expansion.pushes_left),
        total=str(expansion.pushes_total),
    )


_EXPANSION = say(
    "The delivery %(delivery)s of %(sender)s at %(time)s is expanding: %(left)s of its %(total)s"
    " image tags are not recorded yet, and this one may be among them"
)
_WAITING_EXPANSION = say(
    "The delivery %(delivery)s of %(sender)s at %(time)s is expanding, and waits until its sender"
    " has fewer open syncs: %(left)s of its %(total)s image tags are not recorded yet, and this one"
    " may be among them"
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
        return say(
            "was never announced: the ledger is empty. %(prediction)s", prediction=prediction
        )
    return say(
        "was not replicated: no delivery has announced this tag since %(time)s, the oldest record."
        " %(prediction)s",
        time=format_time(since),
        prediction=prediction,
    )


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
    reason = unsynced.about or delivery.reason or say("its push led to no sync")
    senders = (sender for sender in explanation.senders if sender.sender == delivery.sender)
    sender = next(senders, None)
    more: list[str] = []
    if sender is None:
        more = [say("The sender %(sender)s cannot announce it any more", sender=delivery.sender)]
    elif unsynced.rules_changed:
        more = [_describe_change(sender, delivery.id)]
    elif not sender.matched:
        reason = sender.summary  # the same decision, with the clause that led to it
    sentence = _IGNORED if delivery.outcome == Outcome.IGNORED else _WITHOUT_IT
    answer = sentence.using(
        delivery=delivery.id,
        sender=delivery.sender,
        time=format_time(delivery.received_at),
        outcome=delivery.outcome,
        reason=reason,
    )
    return join_clauses([answer, *more])


_IGNORED = say(
    "was not replicated: the delivery %(delivery)s of %(sender)s at %(time)s was ignored:"
    " %(reason)s"
)
_WITHOUT_IT = say(
    "was not replicated: the delivery %(delivery)s of %(sender)s at %(time)s was %(outcome)s"
    " without it: %(reason)s"
)


def _describe_change(sender: ExplainedSender, delivery: str) -> str:
    if not sender.matched:
        return say("The rules have changed since, and now %(summary)s", summary=sender.summary)
    return say(
        "The rules have changed since, and now %(summary)s: replay %(delivery)s",
        summary=sender.summary,
        delivery=delivery,
    )


def _summarize_targets(latest: Sequence[ExplainedSync], now: datetime) -> str:
    if len(latest) == 1:
        return _VERBS[_progress(latest[0])].using(sync=_describe_sync(latest[0], now))
    count = sum(_progress(explained) == "arrived" for explained in latest)
    ordered = sorted(latest, key=lambda explained: _PROGRESS_ORDER[_progress(explained)])
    targets = shorten([_describe_sync(explained, now) for explained in ordered])
    return say(
        "is at %(count)s of %(total)s targets: %(targets)s",
        count=count,
        total=len(latest),
        targets=join_parts(targets),
    )


_VERBS = {
    "drifted": say("is not there any more: %(sync)s"),
    "arrived": say("was replicated: %(sync)s"),
    "open": say("is on its way: %(sync)s"),
    "ended": say("was not replicated: %(sync)s"),
}


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
        return say(
            "%(target)s is %(state)s: %(reason)s",
            target=target,
            state=say(sync.state),
            reason=explained.waiting,
        )
    if sync.state == State.VERIFIED:
        verified_at = format_time(sync.verified_at or sync.updated_at)
        return say(
            "%(target)s was verified at %(time)s %(call)s, %(age)s",
            target=target,
            time=verified_at,
            call=_describe_call(explained),
            age=describe_age(sync, now),
        )
    reason = sync.reason or (sync.error and sync.error.message) or say("no reason is recorded")
    answer = say(
        "%(target)s is %(state)s (since %(time)s): %(reason)s",
        target=target,
        state=say(sync.state),
        time=format_time(sync.updated_at),
        reason=reason,
    )
    remedy = sync.error.remedy if sync.error else None
    return join_clauses([answer, capitalize(remedy)]) if remedy else answer


def describe_age(sync: ListedSync, now: datetime) -> str:
    """Return when the target of a verified sync was last observed, and what is wrong there."""
    if sync.observed_at is None:
        return say("and was not observed since")
    age = say("%(span)s ago", span=format_span(now - sync.observed_at))
    if sync.drift is None:
        return say("last observed %(age)s", age=age)
    since: str = format_time(sync.drift.since)
    if sync.drift.why:
        since = say("%(since)s (%(why)s)", since=since, why=sync.drift.why)
    if sync.drift.kind is DriftKind.MISSING:
        return say(
            "but is missing there since %(since)s, last looked %(age)s", since=since, age=age
        )
    return say(
        "but the target has %(digest)s since %(since)s, last looked %(age)s",
        digest=sync.observed_digest,
        since=since,
        age=age,
    )


def _describe_call(explained: ExplainedSync) -> str:
    call = next((call for call in explained.calls if call.ended_at and call.code is None), None)
    if call is None:
        return say(
            "without a call: %(reason)s",
            reason=explained.sync.reason or say("the target had the digest"),
        )
    return say(
        "by call %(call)s, started at %(time)s",
        call=call.id,
        time=format_time(call.started_at),
    )


def _predict(senders: Sequence[ExplainedSender]) -> str:
    """Return what would happen if the tag were announced now."""
    if not senders:
        return say("No configured sender can announce it")
    names_by_summary: dict[str, list[str]] = {}
    for sender in senders:
        names_by_summary.setdefault(sender.summary, []).append(sender.sender)
    predictions = [
        say(
            "if %(senders)s announced it now: %(summary)s",
            senders=say_alternatives(shorten(names)),
            summary=summary,
        )
        for summary, names in names_by_summary.items()
    ]
    return capitalize(join_parts(shorten(predictions)))
