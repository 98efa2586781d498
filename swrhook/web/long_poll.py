"""Long polls: wait until syncs have ended, with a limit per process.

Each wait polls the ledger, because the sync may end in another process.
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

# Seconds.
POLL_INTERVAL = 0.25


class End(Enum):
    """How a wait ends: the status of its answer, and the detail."""

    VERIFIED = (HTTPStatus.OK, "every sync is verified")
    UNKNOWN = (HTTPStatus.NOT_FOUND, "no sync of the image matches")
    FAILED = (HTTPStatus.CONFLICT, "a sync has ended without being verified")
    TIMEOUT = (HTTPStatus.REQUEST_TIMEOUT, "not every sync is verified yet: try again")
    TOO_MANY = (
        HTTPStatus.TOO_MANY_REQUESTS,
        "too many waits in this process (settings.waits): try again",
    )


@dataclass(frozen=True, slots=True)
class WaitResult:
    """How a wait has ended, and the syncs at that time."""

    end: End
    syncs: Sequence[ListedSync]


class LongPolls:
    """Serves the waits of this process, at most `settings.waits`; draining ends them all."""

    def __init__(self, web: WebContext) -> None:
        self._web = web
        self._count = 0
        self._lock = threading.Lock()

    def wait(self, condition: WaitFilter, timeout: float) -> WaitResult:
        """Return once the matching syncs have ended, at the latest after `timeout` seconds."""
        with self._slot() as has_slot:
            if not has_slot:
                return WaitResult(End.TOO_MANY, self._read(condition))
            return self._wait(condition, monotonic() + timeout)

    def _wait(self, condition: WaitFilter, deadline: float) -> WaitResult:
        syncs = self._read(condition)
        if not syncs:
            return WaitResult(End.UNKNOWN, ())
        while (end := _end(syncs)) is None:
            remaining = deadline - monotonic()
            if remaining <= 0 or self._web.draining.begun.wait(min(remaining, POLL_INTERVAL)):
                return WaitResult(End.TIMEOUT, syncs)
            previous, syncs = syncs, self._read(condition)
            if not syncs:  # their digest is known now, and is not the one in the condition
                return WaitResult(End.FAILED, previous)
        return WaitResult(end, syncs)

    def _read(self, condition: WaitFilter) -> Sequence[ListedSync]:
        with self._web.database.read() as connection:
            return find_waited_syncs(connection, condition)

    @contextmanager
    def _slot(self) -> Iterator[bool]:
        with self._lock:
            has_slot = self._count < self._web.config.current().options.waits
            self._count += has_slot
        try:
            yield has_slot
        finally:
            with self._lock:
                self._count -= has_slot


def _end(syncs: Sequence[ListedSync]) -> End | None:
    """Return how a wait for these syncs ends, or None while it continues."""
    states = {sync.state for sync in syncs}
    if states == {State.VERIFIED}:
        return End.VERIFIED
    return End.FAILED if states - OPEN_STATES - {State.VERIFIED} else None
