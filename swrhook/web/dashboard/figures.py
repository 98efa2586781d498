"""The ledger's figures for the overview."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from swrhook.ledger.auto_sync_overlaps import SeenOverlap, list_overlaps
from swrhook.ledger.pauses import list_pauses
from swrhook.ledger.queries import overview as queries
from swrhook.ledger.queries.overview import SyncGroup
from swrhook.service.sender_monitor import SenderStatus
from swrhook.syncs.pauses import Pause
from swrhook.web.context import WebContext

_QUARANTINE_SINCE = timedelta(hours=24)


@dataclass(frozen=True, slots=True)
class Overview:
    """The ledger's figures for the page."""

    open: Sequence[SyncGroup]
    late: Sequence[SyncGroup]
    late_before: datetime
    late_after: timedelta
    held_up: Sequence[SyncGroup]
    failing: Sequence[SyncGroup]
    quarantined: int
    overlaps: Sequence[SeenOverlap]
    pauses: Sequence[Pause]
    senders: Sequence[SenderStatus]
    outcomes: Mapping[str, Mapping[str, int]]
    last_outcomes: Mapping[str, str]


def read_overview(web: WebContext) -> Overview:
    """Read the figures."""
    now = web.clock.now()
    # A whole minute: the link of an alert stays the same while the page refreshes.
    late_after = web.config.current().options.late
    late_before = now.replace(second=0, microsecond=0) - late_after
    senders = web.senders.cached() or ()
    names = [status.sender for status in senders]
    with web.database.read() as connection:
        return Overview(
            open=queries.open_groups(connection),
            late=queries.late_groups(connection, late_before),
            late_before=late_before,
            late_after=late_after,
            held_up=queries.held_up_groups(connection),
            failing=queries.failing_groups(connection, now),
            quarantined=queries.count_quarantined(connection, now - _QUARANTINE_SINCE),
            overlaps=list_overlaps(connection),
            pauses=list_pauses(connection),
            senders=senders,
            outcomes=queries.recent_outcomes(connection, names),
            last_outcomes=queries.last_outcomes(connection, names),
        )


def count_syncs(groups: Sequence[SyncGroup]) -> int:
    """Return how many syncs the groups have."""
    return sum(group.count for group in groups)
