"""Receive or replay a delivery: authenticate, parse, plan, record.

Everything that may refuse the delivery runs before anything has an effect.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from swrhook.config.model import Config
from swrhook.dialects import DIALECTS
from swrhook.errors import Ignored, NothingToReplay, NothingUsable, Refused, UnknownShape
from swrhook.model import DeliveryEntry, Outcome, Push, Reading, Receipt, StoredDelivery
from swrhook.rules.plan import plan
from swrhook.senders import envelopes
from swrhook.senders.delivery import KEPT_HEADERS, Delivery
from swrhook.senders.payload import MAX_TEXT_LENGTH
from swrhook.senders.sender import Sender, to_pushes

# The callers of these dialects wait for the response, so an error can tell them what is wrong.
SYNCHRONOUS_DIALECTS = frozenset({"generic"})

_MAX_REASON_LENGTH = 1000


def receive(
    delivery: Delivery,
    sender: Sender,
    config: Config,
    *,
    admit: Callable[[Sender], None] = lambda _sender: None,
    record: Callable[[DeliveryEntry], Receipt],
    now: datetime,
) -> Receipt:
    """Process a delivery and return its receipt once it is on disk.

    `admit` raises RateLimited if the sender delivers too often. Raises a subclass of Refused if the
    delivery is not authentic, cannot be decoded, used, confirmed or recorded, or exceeds a limit.
    Then nothing is recorded.
    """
    sender.authenticate(delivery, now)
    # After authentication, so that strangers cannot use up a sender's rate limit.
    admit(sender)
    entry = read(delivery, sender, config, now=now)
    if sender.confirm is not None:
        # Before recording: if it fails, the sender retries, and confirming twice does no harm.
        sender.confirm(delivery)
    return record(entry)


def read(delivery: Delivery, sender: Sender, config: Config, *, now: datetime) -> DeliveryEntry:
    """Return the entry to record for an authentic delivery. Raises a subclass of Refused."""
    entry = _new_entry(_kept_headers(delivery.headers), sender, config, now)
    try:
        reading = envelopes.read(delivery, sender.parse or DIALECTS[sender.dialect])
    except Ignored as exc:
        return replace(entry, reason=_join_reasons([str(exc)]))
    except UnknownShape as exc:
        quarantined, reason = Outcome.QUARANTINED, _join_reasons([str(exc)])
        return replace(entry, outcome=quarantined, reason=reason, body=delivery.body)
    return _plan_reading(
        replace(entry, external_id=reading.external_id), reading, delivery, sender, config
    )


def plan_again(
    stored: StoredDelivery, sender: Sender, config: Config, *, now: datetime
) -> DeliveryEntry:
    """Return the entry to record for a stored delivery of which only the pushes were kept."""
    entry = replace(_new_entry(stored.headers, sender, config, now), external_id=stored.external_id)
    pushes = [replace(push, region=sender.region) for push in stored.pushes]
    return _plan_pushes(entry, pushes, [], None, config)


def _new_entry(
    headers: Mapping[str, str], sender: Sender, config: Config, now: datetime
) -> DeliveryEntry:
    """Return the entry of a delivery before it is parsed."""
    return DeliveryEntry(
        sender=sender.name,
        dialect=sender.dialect,
        outcome=Outcome.IGNORED,
        reason=None,
        received_at=now,
        rules_version=config.version,
        dedup_window=config.options.dedup_window,
        headers=headers,
    )


def _plan_reading(
    entry: DeliveryEntry, reading: Reading, delivery: Delivery, sender: Sender, config: Config
) -> DeliveryEntry:
    """Return the entry with the pushes of the reading, and the syncs that the rules require."""
    pushes, refused = to_pushes(sender, reading.announcements)
    reasons = [*reading.skipped, *refused]
    if not pushes and sender.dialect in SYNCHRONOUS_DIALECTS:
        raise NothingUsable(tuple(reasons))
    return _plan_pushes(entry, pushes, reasons, delivery.body, config)


def _plan_pushes(
    entry: DeliveryEntry,
    pushes: Sequence[Push],
    reasons: Sequence[str],
    body: bytes | None,
    config: Config,
) -> DeliveryEntry:
    """Return the entry with the pushes and their syncs; it is accepted if there is any sync."""
    planned = plan(pushes, config.rules)
    return replace(
        entry,
        outcome=Outcome.ACCEPTED if planned.syncs else Outcome.IGNORED,
        reason=_join_reasons([*reasons, *planned.reasons]),
        pushes=pushes,
        planned=planned.syncs,
        body=body if planned.syncs else None,
    )


def _join_reasons(reasons: Sequence[str]) -> str | None:
    return "; ".join(reasons)[:_MAX_REASON_LENGTH] or None


def _kept_headers(headers: Mapping[str, str]) -> dict[str, str]:
    """Return the headers that a replay needs. Dialects ignore longer values, see payload.text."""
    return {
        name: value
        for name, value in headers.items()
        if name in KEPT_HEADERS and len(value) <= MAX_TEXT_LENGTH
    }


def replay(stored: StoredDelivery, config: Config, *, now: datetime) -> DeliveryEntry:
    """Return the entry to record for the replay of a stored delivery with the present rules.

    The delivery was authenticated when it arrived. Raises NothingToReplay.
    """
    sender = config.senders.get(stored.sender)
    if sender is None:
        raise NothingToReplay(f"its sender, {stored.sender}, is no longer configured")
    if stored.outcome is Outcome.DUPLICATE:
        raise NothingToReplay(f"it is a duplicate: replay the delivery {stored.original}")
    if stored.body is not None:
        delivery = Delivery(headers=stored.headers, body=stored.body)
        try:
            entry = read(delivery, sender, config, now=now)
        except Refused as exc:
            raise NothingToReplay(f"the replay is refused: {exc}") from exc
    elif stored.pushes:
        entry = plan_again(stored, sender, config, now=now)
    else:
        raise NothingToReplay(f"it was {stored.outcome}, and none of its pushes is stored")
    return replace(entry, replayed_from=stored.id)
