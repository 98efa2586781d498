"""The configured senders, each with its recent deliveries."""

from collections.abc import Mapping
from datetime import timedelta

from werkzeug.exceptions import ServiceUnavailable

from swrhook.ledger.queries.senders import count_outcomes
from swrhook.ledger.queries.views import ListedSender
from swrhook.model import Outcome
from swrhook.senders.sender import Sender
from swrhook.service.sender_monitor import SenderStatus
from swrhook.units import format_duration
from swrhook.web.context import WebContext

COUNTED_FOR = timedelta(hours=24)


def list_senders(web: WebContext) -> list[ListedSender]:
    """Return the configured senders, in the configuration's order.

    Raises ServiceUnavailable if the ledger cannot be read.
    """
    senders = web.config.current().senders
    statuses = web.senders.read()
    if statuses is None:
        raise ServiceUnavailable("the ledger cannot be read")
    with web.database.read() as connection:
        counts = count_outcomes(connection, web.clock.now() - COUNTED_FOR)
    return [
        _listed(senders[status.sender], status, counts)
        for status in statuses
        if status.sender in senders
    ]


def _listed(
    sender: Sender, status: SenderStatus, counts: Mapping[tuple[str, str], int]
) -> ListedSender:
    expected = sender.expect_every
    return ListedSender(
        name=sender.name,
        dialect=sender.dialect,
        region=sender.region,
        last_delivery_at=status.last_delivery_at,
        outcomes={outcome.value: counts.get((sender.name, outcome), 0) for outcome in Outcome},
        expect_every=None if expected is None else format_duration(expected),
        silent=status.is_silent,
    )
