"""Long polls: a few at a time, each with a look at the ledger now and then.

A look is what works with any number of processes: the sync may end in another one.
"""

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from enum import Enum
from http import HTTPStatus
from time import monotonic

from swrhook.ledger.queries.syncs import WaitFilter, find_waited_syncs
from swrhook.ledger.queries.views import ListedSync
from swrhook.model import OPEN_STATES, State
from swrhook.web.context import WebContext

BETWEEN_LOOKS = 0.25


class End(Enum):
    """How a wait ends: the status of its answer, and words for it."""

    VERIFIED = (HTTPStatus.OK, "every sync is verified")
    UNKNOWN = (HTTPStatus.NOT_FOUND, "no sync of the image matches")
    FAILED = (HTTPStatus.CONFLICT, "a sync has ended otherwise than verified")
    TIMEOUT = (HTTPStatus.REQUEST_TIMEOUT, "not every sync is verified yet: ask again")
    TOO_MANY = (HTTPStatus.TOO_MANY_REQUESTS, "settings.waits others wait already: ask again")


@dataclass(frozen=True, slots=True)
class WaitResult:
    """How a wait has ended, and the syncs then."""

    end: End
    syncs: Sequence[ListedSync]


class LongPolls:
    """Bounds and serves the waits of this process; draining ends them all."""

    def __init__(self, web: WebContext) -> None:
        self._web = web
        self._count = 0
        self._lock = threading.Lock()

    def wait(self, awaited: WaitFilter, timeout: float) -> WaitResult:
        """Return once the syncs have ended, at the latest after so many seconds."""
        with self._place() as has_place:
            if not has_place:
                return WaitResult(End.TOO_MANY, self._look(awaited))
            return self._wait(awaited, monotonic() + timeout)

    def _wait(self, awaited: WaitFilter, deadline: float) -> WaitResult:
        found = self._look(awaited)
        if not found:
            return WaitResult(End.UNKNOWN, ())
        while (end := _end(found)) is None:
            left = deadline - monotonic()
            if left <= 0 or self._web.draining.begun.wait(min(left, BETWEEN_LOOKS)):
                return WaitResult(End.TIMEOUT, found)
            seen, found = found, self._look(awaited)
            if not found:  # they turned out to hold another digest than the one waited for
                return WaitResult(End.FAILED, seen)
        return WaitResult(end, found)

    def _look(self, awaited: WaitFilter) -> Sequence[ListedSync]:
        with self._web.database.read() as connection:
            return find_waited_syncs(connection, awaited)

    @contextmanager
    def _place(self) -> Iterator[bool]:
        with self._lock:
            has_place = self._count < self._web.config.current().options.waits
            self._count += has_place
        try:
            yield has_place
        finally:
            with self._lock:
                self._count -= has_place


def _end(found: Sequence[ListedSync]) -> End | None:
    """Return how a wait for these ends; None while it does not."""
    states = {sync.state for sync in found}
    if states == {State.VERIFIED}:
        return End.VERIFIED
    return End.FAILED if states - OPEN_STATES - {State.VERIFIED} else None
