"""The configured sources with what the ledger knows of each."""

from collections.abc import Callable, Mapping
from datetime import datetime, timedelta

from werkzeug.exceptions import ServiceUnavailable

from swrhook.config.model import Config
from swrhook.ledger.database import Database
from swrhook.ledger.queries.senders import count_outcomes
from swrhook.ledger.queries.views import ListedSource
from swrhook.metrics import Heard
from swrhook.model import Outcome
from swrhook.senders.sender import Source
from swrhook.service.sender_monitor import Hearing
from swrhook.units import format_duration

LATELY = timedelta(hours=24)


def source_lister(
    config: Callable[[], Config],
    database: Database,
    hearing: Hearing,
    clock: Callable[[], datetime],
) -> Callable[[], list[ListedSource]]:
    """Return the function that lists them."""

    def list_sources() -> list[ListedSource]:
        sources = config().sources
        found = hearing.look()
        if found is None:
            raise ServiceUnavailable("the ledger cannot be read")
        with database.read() as connection:
            counts = count_outcomes(connection, clock() - LATELY)
        return [
            _listed(sources[heard.source], heard, counts)
            for heard in found
            if heard.source in sources
        ]

    return list_sources


def _listed(source: Source, heard: Heard, counts: Mapping[tuple[str, str], int]) -> ListedSource:
    expected = source.expect_every
    return ListedSource(
        name=source.name,
        dialect=source.dialect,
        region=source.region,
        last_delivery_at=heard.last_delivery_at,
        outcomes={outcome.value: counts.get((source.name, outcome), 0) for outcome in Outcome},
        expect_every=None if expected is None else format_duration(expected),
        silent=heard.is_silent,
    )
