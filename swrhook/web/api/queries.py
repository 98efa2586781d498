"""The parameters of the API's lists."""

from datetime import datetime, timedelta
from typing import Any

from marshmallow import Schema, fields, validate

from swrhook.ledger.listed import USUAL_LIMIT, DeliveryFilter, SyncFilter
from swrhook.model import Outcome, State
from swrhook.web.api.fields import ImageField, Since, SinceField

LARGEST_PAGE = 1000
# An id: a ULID.
_CURSOR = validate.Regexp(r"[0-9A-Z]{26}\Z", error="must be «next» of another page.")


def _about(text: str) -> dict[str, str]:
    return {"description": text}


class PageQuery(Schema):
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

    source = fields.String(metadata=_about("The name of the configured sender."))
    outcome = fields.String(
        validate=validate.OneOf([outcome.value for outcome in Outcome]),
        metadata=_about("The verdict."),
    )


def sync_filter(query: dict[str, Any], now: datetime) -> SyncFilter:
    """Return what a checked SyncQuery asks for."""
    states = frozenset(query.pop("state", ()))
    return SyncFilter(states=states, **_at(query, now))


def delivery_filter(query: dict[str, Any], now: datetime) -> DeliveryFilter:
    """Return what a checked DeliveryQuery asks for."""
    return DeliveryFilter(**_at(query, now))


def _at(query: dict[str, Any], now: datetime) -> dict[str, Any]:
    since: Since | None = query.get("since")
    return query | {"since": now - since if isinstance(since, timedelta) else since}
