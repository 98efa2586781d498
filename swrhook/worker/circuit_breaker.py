"""Circuit breakers: stop requests to endpoints that do not answer, and probe them.

There is one breaker for each region and kind of request. It opens after FAILURES_TO_OPEN requests
in a row without an answer of SWR's own. While it is open, one probe is allowed after each pause,
and the pauses grow. Any answer closes it.
"""

import threading
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from swrhook.errors import CircuitOpen, Kind, SwrError
from swrhook.syncs.backoff import Backoff
from swrhook.wording.message import say

FAILURES_TO_OPEN = 5
# Short: after an outage the first sync goes on within a second, and one request a second harms
# nobody.
PAUSES = Backoff(timedelta(seconds=0.5), timedelta(seconds=1))
# A probe without a result by then may hang in a connection that is dead: another one is made.
_MAX_PROBE = timedelta(seconds=5)


class Operation(StrEnum):
    """A kind of request. An endpoint may answer one kind and hang on another."""

    LOOK_SOURCE = "look_source"
    LOOK_TARGET = "look_target"
    SYNC_IMAGES = "sync_images"


@dataclass(slots=True)
class _Breaker:
    failures: int = 0  # in a row
    pauses: int = 0  # since it opened; 0 while it is closed
    next_at: datetime | None = None  # when the next request is allowed; None while it is closed
    is_probed: bool = False
    last_message: str = ""


class CircuitBreakers:
    """All circuit breakers of this process. They start closed."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._breakers: defaultdict[tuple[str, Operation], _Breaker] = defaultdict(_Breaker)

    def acquire(self, region: str, operation: Operation, now: datetime) -> CircuitOpen | None:
        """Return None if a request may be made, else the error that says why not.

        After None, call `record` with the request's result, or `release` if it was not made.
        """
        with self._lock:
            breaker = self._breakers[region, operation]
            wait = _remaining(breaker, now)
            if not wait:
                _begin_probe(breaker, now)
                return None
        message = say(
            "the circuit breaker of %(region)s (%(operation)s) is open: %(failures)s requests in a"
            " row failed, the last with: %(last)s",
            region=region,
            operation=str(operation),
            failures=breaker.failures,
            last=breaker.last_message,
        )
        return CircuitOpen(message, retry_after=wait.total_seconds())

    def acquire_probe(self, region: str, operation: Operation, now: datetime) -> bool:
        """Acquire the probe of an open breaker; False if it is closed, or may not be probed yet."""
        with self._lock:
            breaker = self._breakers.get((region, operation))
            if breaker is None or _remaining(breaker, now):
                return False
            return _begin_probe(breaker, now)

    def wait(self, region: str, operation: Operation, now: datetime) -> timedelta:
        """Return how long no request may be made; zero if `acquire` would allow one."""
        with self._lock:
            breaker = self._breakers.get((region, operation))
            return timedelta() if breaker is None else _remaining(breaker, now)

    def record(
        self, region: str, operation: Operation, now: datetime, error: SwrError | None
    ) -> None:
        """Record the result of a request."""
        with self._lock:
            breaker = self._breakers[region, operation]
            if error is None or not is_outage(error):
                self._breakers[region, operation] = _Breaker()
                return
            breaker.last_message = error.message
            breaker.failures += 1
            opens = not breaker.pauses and breaker.failures >= FAILURES_TO_OPEN
            # Requests that were in flight when the breaker opened do not make the pause longer.
            if opens or breaker.is_probed:
                breaker.is_probed = False
                breaker.pauses += 1
                breaker.next_at = now + PAUSES.ceiling(breaker.pauses)

    def release(self, region: str, operation: Operation, now: datetime) -> None:
        """Give back an acquired request that was not made, so that another one can be the probe."""
        with self._lock:
            breaker = self._breakers[region, operation]
            if breaker.is_probed:
                breaker.is_probed = False
                breaker.next_at = now

    def open(self, region: str) -> Mapping[str, bool]:
        """Return for each operation whether its breaker is open in a region."""
        with self._lock:
            return {
                operation.value: self._breakers[region, operation].next_at is not None
                for operation in Operation
            }


def _begin_probe(breaker: _Breaker, now: datetime) -> bool:
    """Let the next request be the probe; return False if the breaker is closed."""
    if breaker.next_at is None:
        return False
    breaker.is_probed = True
    breaker.next_at = now + _MAX_PROBE
    return True


def _remaining(breaker: _Breaker, now: datetime) -> timedelta:
    if breaker.next_at is None:
        return timedelta()
    wait = breaker.next_at - now
    if not timedelta() < wait <= _MAX_PROBE:  # longer only if the clock was set back
        return timedelta()
    return min(wait, PAUSES.base) if breaker.is_probed else wait  # its result is expected soon


def is_outage(error: SwrError) -> bool:
    """Return whether the error shows that the endpoint did not answer.

    An error with a code of SWR's own is an answer. Some of these concern a single target or image,
    and must not delay the others.
    """
    return error.kind is Kind.TRANSIENT and not error.code.startswith("SVCSTG.")
