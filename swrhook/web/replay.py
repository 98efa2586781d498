"""Replay a delivery: process its stored request again, and record a new delivery."""

from werkzeug.exceptions import NotFound

from swrhook import logs
from swrhook.ledger.queries.deliveries import find_delivery, stored_delivery
from swrhook.ledger.queries.views import ListedDelivery
from swrhook.usecases.receive import replay
from swrhook.web.access import token_name
from swrhook.web.context import WebContext


def replay_delivery(web: WebContext, delivery_id: str) -> ListedDelivery:
    """Replay a delivery; return the new one. Raises NotFound, NothingToReplay, CannotRecord."""
    with web.database.read() as connection:
        stored = stored_delivery(connection, delivery_id)
    if stored is None:
        raise NotFound("there is no delivery with this id")
    receipt = web.recorder.record(replay(stored, web.config.current(), now=web.clock.now()))
    web.metrics.deliveries_replayed.labels(stored.sender, receipt.outcome).inc()
    logs.event(
        "delivery.replayed",
        delivery=receipt.delivery,
        replayed_from=stored.id,
        sender=stored.sender,
        outcome=receipt.outcome.value,
        reason=receipt.reason,
        syncs=len(receipt.syncs),
        token=token_name(),
    )
    with web.database.read() as connection:
        delivery = find_delivery(connection, receipt.delivery)
    if delivery is None:
        raise NotFound("the new delivery has been removed already")
    return delivery
