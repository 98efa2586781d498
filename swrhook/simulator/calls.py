"""The record of every call that IAM and the regions received. It holds no token and no password."""

import itertools
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime
from threading import Lock

from swrhook.simulator.model import Call

LIMIT = 200_000
"""How many calls are remembered; beyond it the oldest go, so that a long demo does not grow."""


class CallLog:
    """Calls in the order they came in, each known from its arrival on."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._serials = itertools.count(1)
        self._calls: OrderedDict[int, Call] = OrderedDict()

    def begin(self, call: Call) -> Call:
        """Record a call on its arrival, and give it a serial number."""
        with self._lock:
            recorded = replace(call, serial=next(self._serials))
            self._calls[recorded.serial] = recorded
            if len(self._calls) > LIMIT:
                self._calls.popitem(last=False)
            return recorded

    def strike(self, call: Call, faults: Sequence[str]) -> Call:
        """Record the names of faults that strike a call."""
        struck = replace(call, faults=(*call.faults, *faults))
        with self._lock:
            if self._calls.get(call.serial) is call:
                self._calls[call.serial] = struck
        return struck

    def end(self, call: Call, *, status: int | None, at: datetime) -> None:
        """Record how a call was answered; None if it was not."""
        took_ms = (at - call.time).total_seconds() * 1000
        with self._lock:
            if self._calls.get(call.serial) is call:
                self._calls[call.serial] = replace(call, status=status, took_ms=round(took_ms, 3))

    def find(self, *, region: str = "", operation: str = "", path: str = "") -> Sequence[Call]:
        """List the calls of a region and operation, with this text in their path; empty is any."""
        with self._lock:
            calls = list(self._calls.values())
        return [
            call
            for call in calls
            if region in ("", call.region)
            and operation in ("", call.operation)
            and path in call.path
        ]

    def clear(self) -> None:
        """Forget all calls, and count from 1 again."""
        with self._lock:
            self._serials = itertools.count(1)
            self._calls.clear()
