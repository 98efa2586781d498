"""/api/v1/deliveries and /api/v1/senders: list, show and replay what the senders delivered."""

from collections.abc import Sequence
from datetime import timedelta
from typing import Any

from werkzeug.exceptions import Forbidden, ServiceUnavailable

from swrhook import logs
from swrhook.config.model import Config
from swrhook.interpreter import interpreter
from swrhook.ledger.queries.deliveries import find_delivery, list_deliveries, stored_delivery
from swrhook.ledger.queries.delivery_scope import is_wholly_in_scope
from swrhook.ledger.queries.overview import last_outcomes
from swrhook.ledger.queries.views import DeliveryFilter, ListedDelivery, ListedSender, Page
from swrhook.model import Outcome
from swrhook.rules.namespaces import Namespaces
from swrhook.senders.sender import Sender
from swrhook.units import format_duration
from swrhook.usecases import receive
from swrhook.web.access import is_visible, require_visible, scope, token_name
from swrhook.web.api.queries import DeliveryQuery, to_filter
from swrhook.web.api.routing import Routes
from swrhook.web.api.schemas import DeliveryPageSchema, DeliverySchema, SenderPageSchema
from swrhook.web.context import WebContext
from swrhook.web.problems import require
from swrhook.wording.message import say

COUNTED_FOR = timedelta(hours=24)
_UNKNOWN = "there is no delivery with this id"


def add_delivery_routes(routes: Routes, web: WebContext) -> None:
    """Add the routes."""

    @routes.get("/deliveries", DeliveryPageSchema, DeliveryQuery)
    def list_all(query: dict[str, Any]) -> Page[ListedDelivery]:
        """List deliveries, newest first."""
        criteria = to_filter(DeliveryFilter, {**query, "scope": scope()}, web.clock.now())
        return web.read(list_deliveries, criteria)

    @routes.get("/deliveries/<delivery_id>", DeliverySchema)
    def show(delivery_id: str) -> ListedDelivery:
        """Show one delivery."""
        return require(web.read(find_delivery, delivery_id, scope()), _UNKNOWN)

    @routes.post("/deliveries/<delivery_id>/replay", DeliverySchema)
    def replay(delivery_id: str) -> ListedDelivery:
        """Process a stored delivery again, with the current configuration; return the new one."""
        return replay_delivery(web, delivery_id)


def replay_delivery(web: WebContext, delivery_id: str) -> ListedDelivery:
    """Replay a delivery; return the new one.

    Raises NotFound, Forbidden, NothingToReplay and CannotRecord.
    """
    limits = scope()
    require(web.read(find_delivery, delivery_id, limits), _UNKNOWN)
    if not web.read(is_wholly_in_scope, delivery_id, limits):
        raise Forbidden(say("the delivery has images of organizations that the token may not see"))
    stored = require(web.read(stored_delivery, delivery_id), _UNKNOWN)
    with interpreter.computing():
        entry = receive.replay(stored, web.config.current(), now=web.clock.now())
        # The sender's settings may have changed, and with them the images' names.
        require_visible(push.namespace for push in entry.pushes)
        receipt = web.recorder.record(entry)
    web.metrics.deliveries_replayed.labels(stored.sender, receipt.outcome).inc()
    logs.event(
        "delivery.replayed",
        delivery=receipt.delivery,
        replayed_from=stored.id,
        sender=stored.sender,
        outcome=receipt.outcome.value,
        reason=receipt.reason,
        syncs=receipt.syncs_total or len(receipt.syncs),
        token=token_name(),
    )
    delivery = web.read(find_delivery, receipt.delivery, limits)
    return require(delivery, "the new delivery has been removed already")


def add_sender_routes(routes: Routes, web: WebContext) -> None:
    """Add the route."""

    @routes.get("/senders", SenderPageSchema)
    def list_all() -> dict[str, Sequence[ListedSender] | None]:
        """List the configured senders, in the configuration's order."""
        # One page has them all: their number is limited by the configuration.
        return {"items": _list_senders(web), "next": None}


def _list_senders(web: WebContext) -> list[ListedSender]:
    senders = web.config.current().senders
    statuses = web.senders.read()
    if statuses is None:
        raise ServiceUnavailable("the ledger cannot be read")
    # Counted now and then for all requests: it takes seconds for the deliveries of a busy day.
    stats = web.count(COUNTED_FOR)
    counts = {(counted.sender, counted.outcome): counted.count for counted in stats.deliveries}
    last = web.read(last_outcomes, list(senders))
    return [
        ListedSender(
            name=sender.name,
            dialect=sender.dialect,
            region=sender.region,
            last_delivery_at=status.last_delivery_at,
            last_outcome=last.get(sender.name),
            outcomes={outcome.value: counts.get((sender.name, outcome), 0) for outcome in Outcome},
            expect_every=_format(sender.expect_every),
            silent=status.is_silent,
        )
        for status in statuses
        # The configuration may have been reloaded since the statuses were read.
        if (sender := senders.get(status.sender)) is not None and _is_own(sender)
    ]


def visible_senders(config: Config) -> list[str]:
    """Return the names of the senders that the current request may see, sorted."""
    return sorted(
        name
        for name, sender in config.senders.items()
        if not sender.image.namespace or is_visible(sender.image.namespace)
    )


def _is_own(sender: Sender) -> bool:
    """Tell whether the current request may see all organizations to which a sender may push.

    The deliveries of a sender are counted together, whatever they are about.
    """
    if scope() is None:
        return True
    if sender.image.namespace:
        return is_visible(sender.image.namespace)
    allowed = sender.allow_namespaces
    return isinstance(allowed, Namespaces) and all(
        pattern.literal and is_visible(pattern.text) for pattern in allowed.patterns
    )


def _format(duration: timedelta | None) -> str | None:
    return None if duration is None else format_duration(duration)
