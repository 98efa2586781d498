"""The configured senders with what the ledger knows of each."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from werkzeug.exceptions import ServiceUnavailable

from swrhook.config.model import Config
from swrhook.ledger.database import Database
from swrhook.ledger.queries.senders import count_outcomes
from swrhook.ledger.queries.views import ListedSender
from swrhook.metrics import Heard
from swrhook.model import Outcome
from swrhook.senders.sender import Sender
from swrhook.service.sender_monitor import Hearing
from swrhook.units import format_duration

LATELY = timedelta(hours=24)


def sender_lister(
    config: Callable[[], Config],
    database: Database,
    hearing: Hearing,
    clock: Callable[[], datetime],
) -> Callable[[], list[ListedSender]]:
    """Return the function that lists them."""

    def list_senders() -> list[ListedSender]:
        senders = config().senders
        found = hearing.look()
        if found is None:
            raise ServiceUnavailable("the ledger cannot be read")
        with database.read() as connection:
            counts = count_outcomes(connection, clock() - LATELY)
        return [
            _listed(senders[heard.sender], heard, counts)
            for heard in found
            if heard.sender in senders
        ]

    return list_senders


def _listed(sender: Sender, heard: Heard, counts: Mapping[tuple[str, str], int]) -> ListedSender:
    expected = sender.expect_every
    return ListedSender(
        name=sender.name,
        dialect=sender.dialect,
        region=sender.region,
        last_delivery_at=heard.last_delivery_at,
        outcomes={outcome.value: counts.get((sender.name, outcome), 0) for outcome in Outcome},
        expect_every=None if expected is None else format_duration(expected),
        silent=heard.is_silent,
    )
