"""The answer in one sentence: was this tag replicated and, if not, why."""

from collections.abc import Mapping, Sequence

from swrhook.model import Outcome, State
from swrhook.usecases.explain.model import (
    ExplainedDelivery,
    ExplainedSender,
    ExplainedSync,
    Explanation,
)
from swrhook.usecases.explain.wait_reason import instant

_MOST_NAMED = 5
_THERE = frozenset({State.VERIFIED, State.UNVERIFIED})


def summary(known: Explanation) -> str:
    """Return the sentence; it names the image first."""
    return f"{known.image} {_said(known)}"


def _said(known: Explanation) -> str:
    latest = _latest(known)
    left_out = _left_out(known, latest)
    if left_out is not None:
        return _ignored(left_out, known)
    if latest:
        return _states(latest)
    since = known.oldest_record_at
    if since is None:
        return f"was never announced: the ledger is empty. {_now(known.senders)}"
    record = f"no event for this tag came since {instant(since)}, the oldest record"
    return f"was not replicated: {record}. {_now(known.senders)}"


def _latest(known: Explanation) -> Sequence[ExplainedSync]:
    """Return the newest sync to each target."""
    latest: dict[tuple[str, str], ExplainedSync] = {}
    for each in known.syncs:
        latest.setdefault((each.sync.target_region, each.sync.target_namespace), each)
    return list(latest.values())


def _left_out(known: Explanation, latest: Sequence[ExplainedSync]) -> ExplainedDelivery | None:
    """Return the newest delivery, if nothing came of its push, and no sync is younger."""
    newest = known.deliveries[0] if known.deliveries else None
    if newest is None or newest.delivery.syncs or newest.delivery.outcome == Outcome.DUPLICATE:
        return None
    is_last = all(each.sync.created_at < newest.delivery.received_at for each in latest)
    return newest if is_last else None


def _ignored(left_out: ExplainedDelivery, known: Explanation) -> str:
    delivery = left_out.delivery
    because = left_out.about or delivery.reason or "nothing came of its push"
    present = next((each for each in known.senders if each.sender == delivery.sender), None)
    more = ""
    if present is None:
        more = f". The sender {delivery.sender} cannot announce it any more"
    elif left_out.rules_changed:
        cure = f": replay {delivery.id}" if present.wanted else ""
        more = f". The rules have changed since, and now {present.summary}{cure}"
    elif not present.wanted:
        because = present.summary  # the same decision, with the clause that made it
    what = "ignored" if delivery.outcome == Outcome.IGNORED else f"{delivery.outcome} without it"
    return (
        f"was not replicated: the delivery {delivery.id} of {delivery.sender} at "
        f"{instant(delivery.received_at)} was {what}: {because}{more}"
    )


def _states(latest: Sequence[ExplainedSync]) -> str:
    if len(latest) == 1:
        there = State(latest[0].sync.state) in _THERE
        open_ = latest[0].waiting is not None
        verb = "was replicated" if there else "is on its way" if open_ else "was not replicated"
        return f"{verb}: {_one(latest[0])}"
    count = sum(State(each.sync.state) in _THERE for each in latest)
    # What is wrong comes first.
    ordered = sorted(latest, key=lambda each: _ORDER[_kind(each)])
    named = [_one(each) for each in ordered[:_MOST_NAMED]]
    more = len(ordered) - len(named)
    named += [f"and {more} more"] if more else []
    return f"is at {count} of {len(latest)} targets: {'; '.join(named)}"


_ORDER: Mapping[str, int] = {"ended": 0, "open": 1, "there": 2}


def _kind(each: ExplainedSync) -> str:
    if State(each.sync.state) in _THERE:
        return "there"
    return "ended" if each.waiting is None else "open"


def _one(each: ExplainedSync) -> str:
    """Say where one sync stands."""
    sync = each.sync
    target = f"{sync.target_region}/{sync.target_namespace}"
    if each.waiting is not None:
        return f"{target} is {sync.state}: {each.waiting}"
    if sync.state == State.VERIFIED:
        at = instant(sync.verified_at or sync.updated_at)
        return f"{target} was verified at {at} {_by(each)}"
    remedy = f". {_capital(sync.error.remedy)}" if sync.error and sync.error.remedy else ""
    why = sync.reason or (sync.error and sync.error.message) or "no reason is recorded"
    return f"{target} is {sync.state} since {instant(sync.updated_at)}: {why}{remedy}"


def _by(each: ExplainedSync) -> str:
    called = next((call for call in each.calls if call.ended_at and call.code is None), None)
    if called is None:
        return f"without a call: {each.sync.reason or 'the digest was there'}"
    return f"by call {called.id} of {instant(called.started_at)}"


def _now(senders: Sequence[ExplainedSender]) -> str:
    """Say what would become of the tag if it were announced now."""
    if not senders:
        return "No configured sender could announce it"
    by_summary: dict[str, list[str]] = {}
    for each in senders:
        by_summary.setdefault(each.summary, []).append(each.sender)
    said = [
        f"were it announced by {' or '.join(_few(names))}: {words}"
        for words, names in by_summary.items()
    ]
    return _capital("; ".join(_few(said)))


def _few(texts: list[str]) -> list[str]:
    more = len(texts) - _MOST_NAMED
    return texts if more <= 0 else [*texts[:_MOST_NAMED], f"{more} more"]


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
