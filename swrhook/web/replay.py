"""A replay: read what is kept, record it as a new delivery, and say who wanted it."""

from collections.abc import Callable
from datetime import datetime

from werkzeug.exceptions import NotFound

from swrhook import logs
from swrhook.config.model import Config
from swrhook.ledger.database import Database
from swrhook.ledger.queries.deliveries import find_delivery, kept_delivery
from swrhook.ledger.queries.views import ListedDelivery
from swrhook.metrics import Metrics
from swrhook.model import Entry, Receipt
from swrhook.usecases.receive import replay
from swrhook.web.access import token_name


def replayer(
    config: Callable[[], Config],
    record: Callable[[Entry], Receipt],
    database: Database,
    metrics: Metrics,
    clock: Callable[[], datetime],
) -> Callable[[str], ListedDelivery]:
    """Return the function that replays a delivery, within a request, and returns the new one.

    It raises NothingToReplay, or NotFound.
    """

    def replay_one(delivery_id: str) -> ListedDelivery:
        with database.read() as connection:
            kept = kept_delivery(connection, delivery_id)
        if kept is None:
            raise NotFound("there is no delivery with this id")
        receipt = record(replay(kept, config(), now=clock()))
        metrics.replayed(kept.sender, receipt.outcome)
        logs.event(
            "delivery.replayed",
            delivery=receipt.delivery,
            replayed_from=kept.id,
            sender=kept.sender,
            outcome=receipt.outcome.value,
            reason=receipt.reason,
            syncs=len(receipt.syncs),
            token=token_name(),
        )
        with database.read() as connection:
            made = find_delivery(connection, receipt.delivery)
        if made is None:
            raise NotFound("the replay is no longer kept")
        return made

    return replay_one
