"""GET /api/v1/senders: list the configured senders with their recent deliveries."""

from collections.abc import Sequence
from datetime import timedelta

from werkzeug.exceptions import ServiceUnavailable

from swrhook.ledger.queries.senders import count_outcomes
from swrhook.ledger.queries.views import ListedSender
from swrhook.model import Outcome
from swrhook.units import format_duration
from swrhook.web.api.routing import Routes
from swrhook.web.api.schemas import SenderPageSchema
from swrhook.web.context import WebContext

COUNTED_FOR = timedelta(hours=24)


def sender_routes(web: WebContext) -> Routes:
    """Return the route."""
    routes = Routes("senders", "The configured senders and their recent deliveries.")

    @routes.get("/senders", SenderPageSchema)
    def list_all() -> dict[str, Sequence[ListedSender] | None]:
        """List every configured sender, in the configuration's order."""
        # One page has them all: their number is limited by the configuration.
        return {"items": _list_senders(web), "next": None}

    return routes


def _list_senders(web: WebContext) -> list[ListedSender]:
    senders = web.config.current().senders
    statuses = web.senders.read()
    if statuses is None:
        raise ServiceUnavailable("the ledger cannot be read")
    with web.database.read() as connection:
        counts = count_outcomes(connection, web.clock.now() - COUNTED_FOR)
    return [
        ListedSender(
            name=sender.name,
            dialect=sender.dialect,
            region=sender.region,
            last_delivery_at=status.last_delivery_at,
            outcomes={outcome.value: counts.get((sender.name, outcome), 0) for outcome in Outcome},
            expect_every=None
            if sender.expect_every is None
            else format_duration(sender.expect_every),
            silent=status.is_silent,
        )
        for status in statuses
        # The configuration may have been reloaded since the statuses were read.
        if (sender := senders.get(status.sender)) is not None
    ]
