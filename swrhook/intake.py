"""The use case of a delivery: prove, read, plan, record. Everything that refuses runs first."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime

from swrhook import envelopes
from swrhook.config.values import Config
from swrhook.delivery import Delivery
from swrhook.dialects import DIALECTS
from swrhook.errors import Ignored, NothingUsable, UnknownShape
from swrhook.model import Entry, Outcome, Reading, Receipt
from swrhook.plan import plan
from swrhook.sources import Source, to_pushes

# Senders that wait for the answer, and are told with an error that nothing can be used.
ANSWERED = frozenset({"generic"})

# The headers that are kept: what identifies an event, never what authenticates it.
KEPT_HEADERS = (
    "content-type",
    "content-encoding",
    "user-agent",
    "idempotency-key",
    "webhook-id",
    "x-request-id",
    "ce-id",
    "ce-type",
    "ce-source",
    "ce-subject",
    "ce-time",
    "x-amz-sns-message-type",
    "x-amz-sns-message-id",
    "x-amz-sns-rawdelivery",
    "x-goog-pubsub-message-id",
    "x-nexus-webhook-id",
    "x-nexus-webhook-delivery",
    "x-smn-message-type",
    "x-smn-message-id",
)
_LONGEST_HEADER = 256
_LONGEST_REASON = 1000


def receive(
    delivery: Delivery,
    source: Source,
    config: Config,
    *,
    record: Callable[[Entry], Receipt],
    now: datetime,
) -> Receipt:
    """Take a delivery in and return its receipt once it is on disk.

    Raises Refused: not proven, undecodable, nothing usable, not confirmed or not recorded; then
    nothing is kept.
    """
    source.authenticate(delivery, now)
    entry = read(delivery, source, config, now=now)
    if source.confirm is not None:
        source.confirm(delivery)  # before the record: what fails is tried again, and harms nothing
    return record(entry)


def read(delivery: Delivery, source: Source, config: Config, *, now: datetime) -> Entry:
    """Return what would be recorded of an authentic delivery. Raises Refused."""
    entry = Entry(
        source=source.name,
        dialect=source.dialect,
        outcome=Outcome.IGNORED,
        reason=None,
        received_at=now,
        rules_version=config.version,
        dedup_window=config.options.dedup_window,
        headers=_kept(delivery.headers),
    )
    try:
        reading = envelopes.read(delivery, source.parse or DIALECTS[source.dialect])
    except Ignored as exc:
        return replace(entry, reason=_reason([str(exc)]))
    except UnknownShape as exc:
        quarantined, reason = Outcome.QUARANTINED, _reason([str(exc)])
        return replace(entry, outcome=quarantined, reason=reason, body=delivery.body)
    return _planned(replace(entry, sender_id=reading.sender_id), reading, delivery, source, config)


def _planned(
    entry: Entry, reading: Reading, delivery: Delivery, source: Source, config: Config
) -> Entry:
    """Return the entry with its pushes and the syncs that the rules want for them."""
    pushes, refused = to_pushes(source, reading.announcements)
    reasons = [*reading.skipped, *refused]
    if not pushes and source.dialect in ANSWERED:
        raise NothingUsable(tuple(reasons))
    planned, unplanned = plan(pushes, config.rules)
    entry = replace(entry, reason=_reason([*reasons, *unplanned]), pushes=pushes, planned=planned)
    return replace(entry, outcome=Outcome.ACCEPTED, body=delivery.body) if planned else entry


def _reason(reasons: Sequence[str]) -> str | None:
    return "; ".join(reasons)[:_LONGEST_REASON] or None


def _kept(headers: Mapping[str, str]) -> dict[str, str]:
    return {name: headers[name][:_LONGEST_HEADER] for name in KEPT_HEADERS if name in headers}
