"""/api/v1/availability: whether images are at their targets now."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from itertools import chain
from typing import Any

from flask import Response
from marshmallow import fields

from swrhook.ledger.database import Snapshot
from swrhook.syncs.availability import Availability
from swrhook.usecases.availability.check import CheckedCopy, Freshness
from swrhook.usecases.availability.copies import AskedImage, Copy, CopyFinder
from swrhook.web.access import require_visible
from swrhook.web.api.fields import AskedImageField
from swrhook.web.api.queries import AvailabilityFilter, AvailabilityQuery
from swrhook.web.api.routing import Routes
from swrhook.web.api.schema_base import ExampleSchema, Length, schema_of
from swrhook.web.api.schemas import ProblemSchema
from swrhook.web.context import WebContext
from swrhook.web.problems import RETRY_AFTER, problem

MOST_IMAGES = 100
_ERRORS = [HTTPStatus.NOT_FOUND, HTTPStatus.TOO_MANY_REQUESTS, HTTPStatus.SERVICE_UNAVAILABLE]
_ALL_UNKNOWN = "of no target it is known what it holds now"
_NO_TARGET = (
    "no sync and no rule leads to such a target: specify the region in which the image should be"
)


@dataclass(frozen=True, slots=True)
class ListedAvailability:
    """Whether an image is at a target.

    `digest` is what the target held when it was last observed, `sync` the id of the latest sync to
    it, and `eta` when that one looks or tries next. `reason` says why the state is not known.
    """

    region: str
    namespace: str
    image: str
    state: Availability
    digest: str | None
    observed_at: datetime | None
    sync: str | None
    eta: datetime | None
    reason: str | None


ListedAvailabilitySchema = schema_of(ListedAvailability, "ListedAvailability", state=Availability)


class AvailabilitySchema(ExampleSchema):
    """Images at their targets."""

    items = fields.List(fields.Nested(ListedAvailabilitySchema), required=True)


_SCHEMA = AvailabilitySchema()


class AvailabilityProblemSchema(ProblemSchema):
    """Why nothing is known of the images."""

    items = fields.List(fields.Nested(ListedAvailabilitySchema))


class AskedImagesSchema(AvailabilityFilter):
    """The images to check at once."""

    images = fields.List(AskedImageField(), required=True, validate=Length(1, MOST_IMAGES))


def add_availability_routes(routes: Routes, web: WebContext) -> None:
    """Add the routes."""
    finder = CopyFinder()

    @routes.get(
        "/availability", AvailabilitySchema, AvailabilityQuery, _ERRORS, AvailabilityProblemSchema
    )
    def show(query: dict[str, Any]) -> dict[str, Any] | Response:
        """Tell whether an image is at its targets now.

        SWR is asked if nobody has looked within `max_age`. 404: no target. 429: too many requests
        wait. 503: nothing is known of any target. Role `ask`.
        """
        return _answer(check_images(web, finder, [query["image"]], query))

    @routes.post_query("/availability", AvailabilitySchema, AskedImagesSchema, _ERRORS)
    def check(body: dict[str, Any]) -> dict[str, Any] | Response:
        """Tell the same of many images; changes nothing. Role `ask`."""
        return _answer(check_images(web, finder, body["images"], body))


def check_images(
    web: WebContext, finder: CopyFinder, images: Sequence[AskedImage], query: Mapping[str, Any]
) -> list[CheckedCopy]:
    """Check the images at the targets of the query. Raises Forbidden and RateLimited."""
    require_visible(image.namespace for image in images)
    config = web.config.current()
    max_age, region, namespace = query["max_age"], query.get("region"), query.get("namespace")

    def find_copies(snapshot: Snapshot) -> list[Copy]:
        by_image = (finder.find(snapshot, image, config, region, namespace) for image in images)
        copies = list(chain.from_iterable(by_image))
        # What is copied from nowhere may be another organization's image of the same name.
        require_visible(copy.at.namespace for copy in copies if copy.source is None)
        return copies

    checked = web.availability.check(find_copies, Freshness(max_age), web.draining.begun)
    for copy in checked:
        web.metrics.availability.labels(copy.state).inc()
    return checked


def _answer(checked: Sequence[CheckedCopy]) -> dict[str, Any] | Response:
    if not checked:
        return problem(HTTPStatus.NOT_FOUND, _NO_TARGET)
    items = {"items": [_listed(copy) for copy in checked]}
    if any(copy.state is not Availability.UNKNOWN for copy in checked):
        return items
    status, headers = HTTPStatus.SERVICE_UNAVAILABLE, {"Retry-After": str(RETRY_AFTER)}
    reasons = list(dict.fromkeys(copy.reason for copy in checked if copy.reason))
    more = _SCHEMA.dump(items)
    return problem(status, _ALL_UNKNOWN, reasons=reasons, more=more, headers=headers)


def _listed(checked: CheckedCopy) -> ListedAvailability:
    copy = checked.copy
    sync = copy.sync
    return ListedAvailability(
        copy.at.region,
        copy.at.namespace,
        str(copy.asked),
        checked.state,
        checked.digest,
        checked.observed_at,
        None if sync is None else sync.id,
        sync.due_at if sync is not None and sync.is_open else None,
        checked.reason,
    )
