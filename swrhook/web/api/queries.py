"""Query parameters of the API, and the ledger's filters that they become."""

from collections.abc import Callable
from datetime import datetime, timedelta
from typing import Any, TypeVar

from marshmallow import fields, validate

from swrhook.ledger.queries.views import USUAL_LIMIT
from swrhook.model import Outcome, State
from swrhook.notifications.model import NotificationState
from swrhook.swr_names import DIGEST, MAX_NAMESPACE_LENGTH
from swrhook.syncs.observations import LONGEST_AGE
from swrhook.syncs.reconciliation import Drift
from swrhook.web.api.fields import (
    AskedImageField,
    DurationField,
    ImageField,
    Since,
    SinceField,
    TagField,
)
from swrhook.web.api.schema_base import ExampleSchema, Length, one_of
from swrhook.wording.message import say

Filter = TypeVar("Filter")

LARGEST_PAGE = 1000
USUAL_AGE = timedelta(seconds=30)
# In seconds.
LONGEST_WAIT = 300
USUAL_WAIT = 60
# Names of regions are no longer in a configuration.
LONGEST_REGION = 63
# The last id of a page: a ULID.
_CURSOR = validate.Regexp(r"[0-9A-Z]{26}\Z", error=say("must be the `next` of another page."))


def _describe(text: str) -> dict[str, str]:
    return {"description": text}


class PagingQuery(ExampleSchema):
    """The parameters that select a page."""

    limit = fields.Integer(
        load_default=USUAL_LIMIT,
        validate=validate.Range(1, LARGEST_PAGE),
        metadata=_describe("The most items on a page."),
    )
    cursor = fields.String(validate=_CURSOR, metadata=_describe("`next` of the previous page."))


class PageQuery(PagingQuery):
    """The parameters of every list of recorded items."""

    since = SinceField(metadata=_describe("Recorded at or after: a time (RFC 3339) or `24h`."))


class SyncQuery(PageQuery):
    """The parameters of the list of syncs."""

    state = fields.List(
        one_of(State),
        attribute="states",
        metadata=_describe("One of these states; may be repeated."),
    )
    region = fields.String(metadata=_describe("The target's region."))
    namespace = fields.String(metadata=_describe("The target's organization."))
    image = ImageField(metadata=_describe("The source's `ns/repo` or `ns/repo:tag`."))
    delivery = fields.String(metadata=_describe("The id of the delivery that announced the tags."))
    rule = fields.String(metadata=_describe("The name of the rule that wanted them."))


class DeliveryQuery(PageQuery):
    """The parameters of the list of deliveries."""

    sender = fields.String(metadata=_describe("The name of the configured sender."))
    outcome = one_of(Outcome, metadata=_describe("The outcome."))


class NotificationQuery(PageQuery):
    """The parameters of the list of notifications."""

    channel = fields.String(metadata=_describe("The name of the channel."))
    state = fields.List(
        one_of(NotificationState),
        attribute="states",
        metadata=_describe("One of these states; may be repeated."),
    )


class AuditQuery(PageQuery):
    """The parameters of the audit log."""

    token = fields.String(metadata=_describe("The name of the token."))
    action = fields.String(metadata=_describe("Method and route, like `POST /api/v1/syncs`."))
    object = fields.String(metadata=_describe("The id in the path, or the image of an order."))


class FindingQuery(PagingQuery):
    """The parameters of the tags of a backfill or a reconcile."""

    drift = fields.List(one_of(Drift), metadata=_describe("One of these kinds; may be repeated."))


class WaitQuery(ExampleSchema):
    """The parameters of a wait."""

    image = TagField(required=True, metadata=_describe("The source's `ns/repo:tag`."))
    region = fields.String(metadata=_describe("The target's region; default: every target."))
    digest = fields.String(
        validate=validate.Regexp(rf"(?:{DIGEST})\Z", error=say("must be like sha256:… in hex.")),
        metadata=_describe("The image's digest at the source."),
    )
    delivery = fields.String(metadata=_describe("The id of the delivery that announced the tag."))
    since = SinceField(metadata=_describe("Recorded at or after: a time (RFC 3339) or `10m`."))
    max_age = DurationField(
        LONGEST_AGE,
        metadata=_describe(
            "How long before the call the targets may have been observed; default: not before."
        ),
    )
    timeout = fields.Integer(
        load_default=USUAL_WAIT,
        validate=validate.Range(0, LONGEST_WAIT),
        metadata=_describe("The longest time to wait, in seconds."),
    )


class AvailabilityFilter(ExampleSchema):
    """What the parameters of both availability calls have in common."""

    region = fields.String(
        validate=Length(1, LONGEST_REGION),
        metadata=_describe("The target's region; default: every target."),
    )
    namespace = fields.String(
        validate=Length(1, MAX_NAMESPACE_LENGTH),
        metadata=_describe("The target's organization."),
    )
    max_age = DurationField(
        LONGEST_AGE,
        load_default=USUAL_AGE,
        metadata=_describe("How long ago the image may have been observed: `30s`, at least `1s`."),
    )


class AvailabilityQuery(AvailabilityFilter):
    """The parameters of the availability call."""

    image = AskedImageField(
        required=True, metadata=_describe("The source's `ns/repo:tag`, `ns/repo@digest` or both.")
    )


class ExplainQuery(ExampleSchema):
    """The parameters of an explanation."""

    image = fields.String(
        required=True,
        metadata=_describe(
            "The source's `ns/repo:tag`; with `sender`, also the sender's own name."
        ),
    )
    sender = fields.String(
        metadata=_describe("A configured sender; default: all that could announce the tag.")
    )


class StatsQuery(ExampleSchema):
    """The parameter of the statistics."""

    window = DurationField(
        timedelta(days=31),
        load_default=timedelta(hours=24),
        metadata=_describe(
            "A duration before now: `24h`. Older syncs count only while they are open."
        ),
    )


def to_filter(kind: Callable[..., Filter], query: dict[str, Any], now: datetime) -> Filter:
    """Return the ledger's filter of a loaded query, whose members have the filter's names."""
    # A parameter that may be repeated is a list here, and a set in the filter.
    members: dict[str, Any] = {
        name: frozenset(value) if isinstance(value, list) else value
        for name, value in query.items()
    }
    if "since" in members:
        members["since"] = point_in_time(members["since"], now)
    return kind(**members)


def point_in_time(since: Since, now: datetime) -> datetime:
    """Return the time that a loaded SinceField stands for."""
    return now - since if isinstance(since, timedelta) else since
