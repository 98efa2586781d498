"""Endpoints that do not answer are left alone: a breaker for each region and kind of request.

A breaker opens after so many requests in a row without an answer of SWR's own. While it is open
nothing is asked, but for one probe after each pause; the pause grows. Any answer closes it.
"""

import threading
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from swrhook.errors import CircuitOpen, Kind, SwrError
from swrhook.syncs.backoff import Backoff

OPENS_AFTER = 5
PAUSES = Backoff(timedelta(seconds=5), timedelta(minutes=1))
# A probe without an end by then is taken for lost.
_LONGEST_PROBE = timedelta(minutes=5)


class Operation(StrEnum):
    """A kind of request: an endpoint may answer one and hang at another."""

    LOOK_SOURCE = "look_source"
    LOOK_TARGET = "look_target"
    SYNC_IMAGES = "sync_images"


@dataclass(slots=True)
class _Breaker:
    failures: int = 0  # in a row
    pauses: int = 0  # since it opened; 0: it is closed
    next_at: datetime | None = None
    is_probed: bool = False
    last: SwrError | None = None


class CircuitBreakers:
    """All breakers of this process; they start closed."""

    def __init__(self) -> None:
        """Trust every endpoint."""
        self._lock = threading.Lock()
        self._breakers: dict[tuple[str, Operation], _Breaker] = {}

    def acquire(self, region: str, operation: Operation, now: datetime) -> CircuitOpen | None:
        """Return why there shall be no request, or None: make it, and tell `answered`.

        Of an open breaker, one request is let through after each pause.
        """
        with self._lock:
            breaker = self._breaker(region, operation)
            if breaker.next_at is None:
                return None
            wait = breaker.next_at - now
            if not timedelta() < wait <= _LONGEST_PROBE:
                breaker.is_probed = True
                breaker.next_at = now + _LONGEST_PROBE
                return None
            if breaker.is_probed:
                wait = min(wait, PAUSES.base)  # its outcome is near
        return _not_asked(region, operation, breaker, wait)

    def record(
        self, region: str, operation: Operation, now: datetime, error: SwrError | None
    ) -> None:
        """Take note of what a request came to."""
        with self._lock:
            breaker = self._breaker(region, operation)
            if error is None or not is_outage(error):
                self._breakers[region, operation] = _Breaker()
                return
            breaker.last = error
            breaker.failures += 1
            opens = not breaker.pauses and breaker.failures >= OPENS_AFTER
            if opens or breaker.is_probed:
                breaker.is_probed = False
                breaker.pauses += 1
                breaker.next_at = now + PAUSES.ceiling(breaker.pauses)

    def release(self, region: str, operation: Operation, now: datetime) -> None:
        """Let another one probe: the request that was asked for has not been made."""
        with self._lock:
            breaker = self._breaker(region, operation)
            if breaker.is_probed:
                breaker.is_probed = False
                breaker.next_at = now

    def open(self, region: str) -> Mapping[str, bool]:
        """Tell of each operation whether its breaker is open in a region."""
        with self._lock:
            return {
                operation.value: self._breaker(region, operation).next_at is not None
                for operation in Operation
            }

    def _breaker(self, region: str, operation: Operation) -> _Breaker:
        return self._breakers.setdefault((region, operation), _Breaker())


def is_outage(error: SwrError) -> bool:
    """Tell whether nothing of SWR's own came back: an error that SWR words shows that it is there.

    Some of those are one target's, or one image's, and must not hold up the others.
    """
    return error.kind is Kind.TRANSIENT and not error.code.startswith("SVCSTG.")


def _not_asked(
    region: str, operation: Operation, breaker: _Breaker, wait: timedelta
) -> CircuitOpen:
    failed = f"{breaker.failures} requests in a row failed"
    if breaker.last is not None:
        failed += f", the last: {breaker.last.message}"
    return CircuitOpen(
        f"{region} is not asked ({operation.value}): {failed}",
        retry_after=wait.total_seconds(),
    )
