"""The use case of a delivery: prove, read, plan, record. Everything that refuses runs first."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from swrhook.config.model import Config
from swrhook.dialects import DIALECTS
from swrhook.errors import Ignored, NothingToReplay, NothingUsable, Refused, UnknownShape
from swrhook.model import Entry, Kept, Outcome, Push, Reading, Receipt
from swrhook.rules.plan import plan
from swrhook.senders import envelopes
from swrhook.senders.delivery import KEPT_HEADERS, Delivery
from swrhook.senders.payload import LONGEST_TEXT
from swrhook.senders.sender import Sender, to_pushes

# Senders that wait for the answer, and are told with an error that nothing can be used.
ANSWERED = frozenset({"generic"})

_LONGEST_REASON = 1000


def receive(
    delivery: Delivery,
    sender: Sender,
    config: Config,
    *,
    admit: Callable[[Sender], None] = lambda _sender: None,
    record: Callable[[Entry], Receipt],
    now: datetime,
) -> Receipt:
    """Take a delivery in and return its receipt once it is on disk.

    Raises Refused: not proven, too many, undecodable, nothing usable, not confirmed or not
    recorded; then nothing is kept.
    """
    sender.authenticate(delivery, now)
    admit(sender)  # not before: who proves nothing must not use up a sender's limit
    entry = read(delivery, sender, config, now=now)
    if sender.confirm is not None:
        sender.confirm(delivery)  # before the record: what fails is tried again, and harms nothing
    return record(entry)


def read(delivery: Delivery, sender: Sender, config: Config, *, now: datetime) -> Entry:
    """Return what would be recorded of an authentic delivery. Raises Refused."""
    entry = _entry(_kept(delivery.headers), sender, config, now)
    try:
        reading = envelopes.read(delivery, sender.parse or DIALECTS[sender.dialect])
    except Ignored as exc:
        return replace(entry, reason=_reason([str(exc)]))
    except UnknownShape as exc:
        quarantined, reason = Outcome.QUARANTINED, _reason([str(exc)])
        return replace(entry, outcome=quarantined, reason=reason, body=delivery.body)
    return _planned(
        replace(entry, external_id=reading.external_id), reading, delivery, sender, config
    )


def plan_again(kept: Kept, sender: Sender, config: Config, *, now: datetime) -> Entry:
    """Return what would be recorded of a delivery of which only the pushes are kept."""
    entry = replace(_entry(kept.headers, sender, config, now), external_id=kept.external_id)
    pushes = [replace(push, region=sender.region) for push in kept.pushes]
    return _with_plan(entry, pushes, [], None, config)


def _entry(headers: Mapping[str, str], sender: Sender, config: Config, now: datetime) -> Entry:
    """Return the entry of a delivery of which nothing is known yet."""
    return Entry(
        sender=sender.name,
        dialect=sender.dialect,
        outcome=Outcome.IGNORED,
        reason=None,
        received_at=now,
        rules_version=config.version,
        dedup_window=config.options.dedup_window,
        headers=headers,
    )


def _planned(
    entry: Entry, reading: Reading, delivery: Delivery, sender: Sender, config: Config
) -> Entry:
    """Return the entry with its pushes and the syncs that the rules want for them."""
    pushes, refused = to_pushes(sender, reading.announcements)
    reasons = [*reading.skipped, *refused]
    if not pushes and sender.dialect in ANSWERED:
        raise NothingUsable(tuple(reasons))
    return _with_plan(entry, pushes, reasons, delivery.body, config)


def _with_plan(
    entry: Entry, pushes: Sequence[Push], reasons: Sequence[str], body: bytes | None, config: Config
) -> Entry:
    """Return the entry with the syncs that the rules want; it is accepted if there are any."""
    planned = plan(pushes, config.rules)
    return replace(
        entry,
        outcome=Outcome.ACCEPTED if planned.syncs else Outcome.IGNORED,
        reason=_reason([*reasons, *planned.reasons]),
        pushes=pushes,
        planned=planned.syncs,
        body=body if planned.syncs else None,
    )


def _reason(reasons: Sequence[str]) -> str | None:
    return "; ".join(reasons)[:_LONGEST_REASON] or None


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    """Return what a replay needs; a longer text counts as not sent for every dialect."""
    return {
        name: value
        for name, value in headers.items()
        if name in KEPT_HEADERS and len(value) <= LONGEST_TEXT
    }


def replay(kept: Kept, config: Config, *, now: datetime) -> Entry:
    """Return what would be recorded of a kept delivery, as the configuration is now.

    Its sender was authenticated when it came. Raises NothingToReplay.
    """
    sender = config.senders.get(kept.sender)
    if sender is None:
        raise NothingToReplay(f"its sender, {kept.sender}, is no longer configured")
    if kept.outcome is Outcome.DUPLICATE:
        raise NothingToReplay(f"it is a duplicate: replay the delivery {kept.original}")
    if kept.body is not None:
        delivery = Delivery(headers=kept.headers, body=kept.body)
        try:
            entry = read(delivery, sender, config, now=now)
        except Refused as exc:
            raise NothingToReplay(f"read again, it is refused: {exc}") from exc
    elif kept.pushes:
        entry = plan_again(kept, sender, config, now=now)
    else:
        raise NothingToReplay(f"it was {kept.outcome}, and nothing that it announced is kept")
    return replace(entry, replayed_from=kept.id)
