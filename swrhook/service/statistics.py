"""The numbers of /api/v1/stats, for each window that somebody asks for."""

import threading
from collections import OrderedDict
from datetime import timedelta

from swrhook.clock import Clock
from swrhook.ledger.database import Database
from swrhook.ledger.optional_read import read_or_none
from swrhook.ledger.queries.stats import Stats, read_stats
from swrhook.service.snapshot import Pace, Snapshot

# Windows whose numbers are kept: those that were asked for last.
MOST_WINDOWS = 8


class Statistics:
    """Numbers that were counted some seconds ago, and are counted again when somebody asks."""

    def __init__(self, database: Database, clock: Clock, pace: Pace) -> None:
        self._database = database
        self._clock = clock
        self._pace = pace
        self._lock = threading.Lock()  # guards the attribute below
        self._by_window: OrderedDict[timedelta, Snapshot[Stats]] = OrderedDict()
        self._turn = threading.Lock()  # counting takes all of a core: one window at a time

    def get(self, window: timedelta) -> Stats | None:
        """Return the numbers of the time before `counted_at`; None when they cannot be read."""
        with self._lock:
            if window not in self._by_window:
                self._by_window[window] = Snapshot(lambda: self._read(window), self._pace)
            self._by_window.move_to_end(window)
            if len(self._by_window) > MOST_WINDOWS:
                self._by_window.popitem(last=False)
            snapshot = self._by_window[window]
        latest = snapshot.get()
        return None if latest is None else latest.value

    def _read(self, window: timedelta) -> Stats | None:
        with self._turn:
            return read_or_none(self._database, read_stats, window, self._clock.now())
