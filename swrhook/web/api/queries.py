"""The parameters of the API's lists."""

from datetime import datetime, timedelta
from typing import Any

from marshmallow import fields, validate

from swrhook.ledger.audit import AuditFilter
from swrhook.ledger.queries.repairs import FindingFilter, RepairFilter
from swrhook.ledger.queries.syncs import WaitFilter
from swrhook.ledger.queries.views import USUAL_LIMIT, DeliveryFilter, SyncFilter
from swrhook.model import Outcome, State
from swrhook.swr_names import DIGEST
from swrhook.syncs.reconciliation import Drift
from swrhook.web.api.fields import DurationField, ImageField, Since, SinceField, TagField
from swrhook.web.api.schema_base import ExampleSchema

LARGEST_PAGE = 1000
# In seconds.
LONGEST_WAIT = 300
USUAL_WAIT = 60
# An id: a ULID.
_CURSOR = validate.Regexp(r"[0-9A-Z]{26}\Z", error="must be «next» of another page.")


def _about(text: str) -> dict[str, str]:
    return {"description": text}


class PageQuery(ExampleSchema):
    """What every list understands."""

    since = SinceField(metadata=_about("Not older than this: a time (RFC 3339) or `24h`."))
    limit = fields.Integer(
        load_default=USUAL_LIMIT,
        validate=validate.Range(1, LARGEST_PAGE),
        metadata=_about("The most items of a page."),
    )
    cursor = fields.String(validate=_CURSOR, metadata=_about("`next` of the page before."))


class SyncQuery(PageQuery):
    """Which syncs."""

    state = fields.List(
        fields.String(validate=validate.OneOf([state.value for state in State])),
        metadata=_about("One of these states; may be repeated."),
    )
    region = fields.String(metadata=_about("The target's region."))
    namespace = fields.String(metadata=_about("The target's organization."))
    image = ImageField(metadata=_about("The source's `ns/repo` or `ns/repo:tag`."))


class DeliveryQuery(PageQuery):
    """Which deliveries."""

    sender = fields.String(metadata=_about("The name of the configured sender."))
    outcome = fields.String(
        validate=validate.OneOf([outcome.value for outcome in Outcome]),
        metadata=_about("The verdict."),
    )


class AuditQuery(PageQuery):
    """Which writes."""

    token = fields.String(metadata=_about("The name of the token."))
    action = fields.String(metadata=_about("Method and route, as the description has them."))
    object = fields.String(metadata=_about("The id, or the image, that it was about."))


class FindingQuery(ExampleSchema):
    """Which findings of a backfill or a reconcile."""

    drift = fields.List(
        fields.String(validate=validate.OneOf([drift.value for drift in Drift])),
        metadata=_about("One of these; may be repeated."),
    )
    limit = fields.Integer(
        load_default=USUAL_LIMIT,
        validate=validate.Range(1, LARGEST_PAGE),
        metadata=_about("The most items of a page."),
    )
    cursor = fields.String(validate=_CURSOR, metadata=_about("`next` of the page before."))


class WaitQuery(ExampleSchema):
    """Which syncs to wait for, and how long."""

    image = TagField(required=True, metadata=_about("The source's `ns/repo:tag`."))
    region = fields.String(metadata=_about("The target's region; all targets if not given."))
    digest = fields.String(
        validate=validate.Regexp(rf"(?:{DIGEST})\Z", error="must be like sha256:… in hex."),
        metadata=_about("Of the image at the source."),
    )
    delivery = fields.String(metadata=_about("The delivery that announced the tag."))
    since = SinceField(metadata=_about("Announced not before: a time (RFC 3339) or `10m`."))
    timeout = fields.Integer(
        load_default=USUAL_WAIT,
        validate=validate.Range(0, LONGEST_WAIT),
        metadata=_about("The longest to wait, in seconds."),
    )


class ExplainQuery(ExampleSchema):
    """Which tag."""

    image = fields.String(
        required=True,
        metadata=_about("The source's `ns/repo:tag`; with `sender` also as that one names it."),
    )
    sender = fields.String(metadata=_about("The configured sender; all that could if not given."))


class StatsQuery(ExampleSchema):
    """How far to look back."""

    window = DurationField(
        timedelta(days=31),
        load_default=timedelta(hours=24),
        metadata=_about("What is older counts only while it is open: `24h`."),
    )


def audit_filter(query: dict[str, Any], now: datetime) -> AuditFilter:
    """Return what a checked AuditQuery asks for."""
    return AuditFilter(**_at(query, now))


def repair_filter(query: dict[str, Any], now: datetime) -> RepairFilter:
    """Return what a checked PageQuery asks for."""
    return RepairFilter(**_at(query, now))


def finding_filter(query: dict[str, Any]) -> FindingFilter:
    """Return what a checked FindingQuery asks for."""
    return FindingFilter(drift=frozenset(query.pop("drift", ())), **query)


def awaited(query: dict[str, Any], now: datetime) -> tuple[WaitFilter, float]:
    """Return what a checked WaitQuery asks for, and for how many seconds."""
    timeout = query.pop("timeout")
    return WaitFilter(**_at(query, now)), float(timeout)


def sync_filter(query: dict[str, Any], now: datetime) -> SyncFilter:
    """Return what a checked SyncQuery asks for."""
    states = frozenset(query.pop("state", ()))
    return SyncFilter(states=states, **_at(query, now))


def delivery_filter(query: dict[str, Any], now: datetime) -> DeliveryFilter:
    """Return what a checked DeliveryQuery asks for."""
    return DeliveryFilter(**_at(query, now))


def point_in_time(since: Since, now: datetime) -> datetime:
    """Return the time that a checked SinceField means."""
    return now - since if isinstance(since, timedelta) else since


def _at(query: dict[str, Any], now: datetime) -> dict[str, Any]:
    since: Since | None = query.get("since")
    return query | {"since": None if since is None else point_in_time(since, now)}
