"""The log of all calls that IAM and the regions received, without tokens and passwords."""

import itertools
from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import replace
from threading import Lock
from typing import Any

from swrhook.simulator.model import Call

LIMIT = 200_000
"""The most calls that are kept; older ones are dropped, so that memory stays bounded."""


class CallLog:
    """Calls in order of arrival, each recorded as soon as it arrives."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._serials = itertools.count(1)
        self._calls: OrderedDict[int, Call] = OrderedDict()

    def begin(self, call: Call) -> Call:
        """Record a call on its arrival; return it with its serial number."""
        with self._lock:
            recorded = replace(call, serial=next(self._serials))
            self._calls[recorded.serial] = recorded
            if len(self._calls) > LIMIT:
                self._calls.popitem(last=False)
            return recorded

    def update(self, call: Call, **changes: Any) -> Call:  # noqa: ANN401 - fields of Call
        """Change what is recorded of a call; return the call with the changes."""
        updated = replace(call, **changes)
        with self._lock:
            # A reset may have removed the call while it was being answered.
            if self._calls.get(call.serial) is call:
                self._calls[call.serial] = updated
        return updated

    def find(self, *, region: str = "", operation: str = "", path: str = "") -> Sequence[Call]:
        """List the calls of a region and operation with this text in their path; empty is any."""
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
