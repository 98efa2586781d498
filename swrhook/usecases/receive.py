"""Receive or replay a delivery: authenticate, parse, plan, record.

Everything that may refuse the delivery runs before anything has an effect.
"""

from bisect import bisect
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from itertools import accumulate, islice
from typing import Protocol

from swrhook.config.model import Config
from swrhook.dialects import DIALECTS
from swrhook.errors import (
    Ignored,
    IgnoredSecret,
    NothingToReplay,
    NothingUsable,
    Refused,
    TooComplex,
    TooManyImages,
    UnknownShape,
)
from swrhook.model import DeliveryEntry, Outcome, Push, Receipt, StoredDelivery
from swrhook.rules.plan import about, plan
from swrhook.senders import envelopes
from swrhook.senders.delivery import KEPT_HEADERS, Delivery
from swrhook.senders.payload import MAX_TEXT_LENGTH
from swrhook.senders.sender import WAITING_DIALECTS, Sender, to_pushes
from swrhook.wording.message import join_parts, say

# The callers of these dialects wait for the response, so an error can tell them what is wrong.
SYNCHRONOUS_DIALECTS = frozenset({"generic"})

CONFIRMED = say("the subscription to the topic is confirmed")

_MAX_REASON_LENGTH = 1000
_MOST_REASONS = 100
_OUTSIDE = say("the sender may not push to this organization (allow.namespaces)")


class RateLimiter(Protocol):
    """Limits how many deliveries a sender may send."""

    def admit(self, sender: Sender) -> None:
        """Count a delivery of the sender. Raises RateLimited if it has sent too many."""
        ...


class DeliveryRecorder(Protocol):
    """Writes deliveries to the ledger."""

    def record(self, entry: DeliveryEntry) -> Receipt:
        """Return once the delivery is on disk. Raises CannotRecord if nothing was recorded."""
        ...


def receive(
    delivery: Delivery,
    sender: Sender,
    config: Config,
    *,
    limiter: RateLimiter,
    recorder: DeliveryRecorder,
    now: datetime,
) -> tuple[DeliveryEntry, Receipt]:
    """Process a delivery. Return its entry and receipt once it is on disk.

    Raises a subclass of Refused if the delivery is not authentic, cannot be decoded, used,
    confirmed or recorded, or exceeds a limit. Then nothing is recorded.
    """
    sender.authenticate(delivery, now)
    # After authentication, so that strangers cannot use up a sender's rate limit.
    limiter.admit(sender)
    entry = read(delivery, sender, config, now=now)
    # Before recording: if it fails, the sender retries, and confirming twice does no harm.
    if sender.confirm is not None and sender.confirm(delivery):
        entry = replace(entry, reason=CONFIRMED)
    return entry, recorder.record(entry)


def read(delivery: Delivery, sender: Sender, config: Config, *, now: datetime) -> DeliveryEntry:
    """Return the entry to record for an authentic delivery. Raises a subclass of Refused."""
    entry = _new_entry(delivery, sender, config, now)
    try:
        reading = envelopes.read(delivery, sender.parse or DIALECTS[sender.dialect])
    except Ignored as exc:
        body = None if isinstance(exc, IgnoredSecret) else delivery.body
        return replace(entry, reason=_join_reasons(exc.reasons), body=body)
    except (UnknownShape, TooComplex) as exc:
        if isinstance(exc, TooComplex) and sender.dialect in WAITING_DIALECTS:
            raise
        reason = _join_reasons(exc.reasons)
        return replace(entry, outcome=Outcome.QUARANTINED, reason=reason, body=delivery.body)
    if len(reading.announcements) > sender.max_images:
        return _refuse_or_quarantine(entry, len(reading.announcements), sender, delivery.body)
    pushes, refused = to_pushes(sender, reading.announcements)
    reasons = [*reading.skipped, *refused]
    if not pushes and sender.dialect in SYNCHRONOUS_DIALECTS:
        raise NothingUsable(*reasons)
    entry = replace(entry, external_id=reading.external_id)
    return _plan_pushes(entry, sender, pushes, reasons, delivery.body, config)


def _refuse_or_quarantine(
    entry: DeliveryEntry, images: int, sender: Sender, body: bytes
) -> DeliveryEntry:
    """Return the entry of a delivery with too many images. Raises TooManyImages."""
    reason = say(
        "%(images)s image tags, over the sender's max_images (%(limit)s)",
        images=images,
        limit=sender.max_images,
    )
    if sender.dialect in WAITING_DIALECTS:
        raise TooManyImages(say("%(reason)s: send several requests", reason=reason))
    return replace(
        entry,
        outcome=Outcome.QUARANTINED,
        reason=say("%(reason)s: raise it, then replay this delivery", reason=reason),
        body=body,
        over_max_images=True,
    )


def plan_again(
    stored: StoredDelivery, sender: Sender, config: Config, *, now: datetime
) -> DeliveryEntry:
    """Return the entry to record for a stored delivery of which only the pushes were kept."""
    delivery = Delivery(stored.headers, b"")
    entry = replace(_new_entry(delivery, sender, config, now), external_id=stored.external_id)
    pushes = [replace(push, region=sender.region) for push in stored.pushes]
    return _plan_pushes(entry, sender, pushes, [], None, config)


def _new_entry(delivery: Delivery, sender: Sender, config: Config, now: datetime) -> DeliveryEntry:
    """Return the entry of a delivery before it is parsed."""
    return DeliveryEntry(
        sender=sender.name,
        dialect=sender.dialect,
        outcome=Outcome.IGNORED,
        reason=None,
        received_at=now,
        rules_version=config.version,
        dedup_window=config.options.dedup_window,
        headers=_kept_headers(delivery.headers),
        client_address=delivery.client_address,
        arrived=delivery.arrived,
    )


def _plan_pushes(
    entry: DeliveryEntry,
    sender: Sender,
    pushes: Sequence[Push],
    reasons: Sequence[str],
    body: bytes | None,
    config: Config,
) -> DeliveryEntry:
    """Return the entry with the pushes and their syncs; it is accepted if there is any sync."""
    planned = plan([push for push in pushes if sender.may_push_to(push.namespace)], config.rules)
    outside = [about(push, _OUTSIDE) for push in pushes if not sender.may_push_to(push.namespace)]
    return replace(
        entry,
        outcome=Outcome.ACCEPTED if planned.syncs else Outcome.IGNORED,
        reason=_join_reasons([*reasons, *outside, *planned.reasons]),
        pushes=pushes,
        planned=planned.syncs,
        body=body,
    )


def _join_reasons(reasons: Sequence[str]) -> str | None:
    """Return as many of the reasons as have room, and how many more there are."""
    if not reasons:
        return None
    lengths = accumulate(len(reason) + len("; ") for reason in islice(reasons, _MOST_REASONS))
    fitting = max(1, bisect([*lengths], _MAX_REASON_LENGTH - len("and 1,000,000 more")))
    more = len(reasons) - fitting
    kept = [*reasons[:fitting], *([say("and %(count)s more", count=more)] if more > 0 else [])]
    joined = join_parts(kept)
    return joined if len(joined) <= _MAX_REASON_LENGTH else str(joined)[:_MAX_REASON_LENGTH]


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
        raise NothingToReplay(
            say("its sender, %(sender)s, is no longer configured", sender=stored.sender)
        )
    if stored.outcome is Outcome.DUPLICATE:
        raise NothingToReplay(
            say("it is a duplicate: replay the delivery %(original)s", original=stored.original)
        )
    if stored.body is not None:
        delivery = Delivery(headers=stored.headers, body=stored.body)
        try:
            entry = read(delivery, sender, config, now=now)
        except Refused as exc:
            raise NothingToReplay(
                say("the replay is refused: %(reason)s", reason=exc.text)
            ) from exc
    elif stored.expanding:
        raise NothingToReplay(say("its pushes are still being recorded: try again later"))
    elif stored.pushes:
        entry = plan_again(stored, sender, config, now=now)
    else:
        raise NothingToReplay(
            say(
                "it was %(outcome)s, and none of its pushes is stored",
                outcome=say(stored.outcome.value),
            )
        )
    return replace(entry, replayed_from=stored.id)
