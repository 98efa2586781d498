"""Numbers that take long to count: they are some seconds old, and counted when somebody asks."""

from datetime import timedelta

from swrhook.clock import Clock
from swrhook.ledger.database import Database
from swrhook.ledger.optional_read import read_or_none
from swrhook.ledger.queries.repairs import FindingCounts, count_findings
from swrhook.ledger.queries.stats import Stats, read_stats
from swrhook.service.snapshot import Pace, Snapshots

# Windows, and large repairs, whose numbers are kept.
MOST_WINDOWS = 8
MOST_REPAIRS = 100


class Statistics(Snapshots[timedelta, Stats]):
    """The numbers of /api/v1/stats of the time before `counted_at`, by window."""

    def __init__(self, database: Database, clock: Clock, pace: Pace) -> None:
        def read(window: timedelta) -> Stats | None:
            return read_or_none(database, read_stats, window, clock.now())

        super().__init__(read, pace, MOST_WINDOWS)


class RepairCounts(Snapshots[tuple[str, str], FindingCounts]):
    """The findings of large repairs, by a repair's id and stage: a new stage has new numbers."""

    def __init__(self, database: Database, pace: Pace) -> None:
        def read(repair: tuple[str, str]) -> FindingCounts | None:
            return read_or_none(database, count_findings, repair[0])

        super().__init__(read, pace, MOST_REPAIRS)
