"""What can be made to go wrong: the table of faults, and what each of them does to a call.

A new kind of fault is a field of `Fault` with its line in `FaultSchema`, and a function in
`EFFECTS`. An effect sees the call before authentication. It returns the answer, or None to let
the call go on. One that talks to the client over the socket itself (`environ["werkzeug.socket"]`)
sets `environ[HUNG_UP]` and returns any response: the server then closes the connection and
sends nothing.
"""

import itertools
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from threading import Lock
from typing import Any

from werkzeug import Response

from swrhook.simulator.accounts import Accounts
from swrhook.simulator.server import HUNG_UP
from swrhook.simulator.values import EVERYWHERE, IAM, Fault

__all__ = ["EFFECTS", "HUNG_UP", "FaultTable", "Hit", "strike"]


@dataclass(frozen=True, slots=True)
class Hit:
    """The call that a fault strikes, and what an effect may need."""

    accounts: Accounts
    environ: dict[str, Any]


class FaultTable:
    """The faults in the order they were added; each counts down until it is used up."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._ids = itertools.count(1)
        self._faults: dict[int, Fault] = {}

    def add(self, faults: Sequence[Fault]) -> None:
        """Add faults behind those that are there."""
        with self._lock:
            self._faults |= {next(self._ids): fault for fault in faults}

    def all(self) -> Sequence[Fault]:
        """List the faults that are not used up."""
        with self._lock:
            return list(self._faults.values())

    def clear(self) -> None:
        """Let nothing go wrong any more."""
        with self._lock:
            self._faults.clear()

    def take(self, region: str, operation: str) -> Sequence[Fault]:
        """Take the faults that strike a call: those up to the first that answers it.

        So two answers with `times: 1` are given one after the other, to two calls.
        """
        taken: list[Fault] = []
        with self._lock:
            for number, fault in list(self._faults.items()):
                if fault.failed_tags or not _applies(fault, region, operation):
                    continue
                self._use(number)
                taken.append(fault)
                if fault.status is not None:
                    break
        return taken

    def take_failed_tags(self, region: str, tags: Sequence[str]) -> Fault | None:
        """Take the first fault that makes some of these tags fail."""
        with self._lock:
            for number, fault in self._faults.items():
                hit = not set(tags).isdisjoint(fault.failed_tags)
                if hit and _applies(fault, region, "sync_images"):
                    self._use(number)
                    return fault
        return None

    def _use(self, number: int) -> None:
        fault = self._faults[number]
        if fault.times is None:
            return
        if fault.times > 1:
            self._faults[number] = replace(fault, times=fault.times - 1)
        else:
            del self._faults[number]


def strike(faults: Sequence[Fault], hit: Hit) -> Response | None:
    """Let faults do their work on a call, until one of them answers it."""
    for fault in faults:
        for effect in EFFECTS:
            response = effect(fault, hit)
            if response is not None:
                return response
    return None


def _applies(fault: Fault, region: str, operation: str) -> bool:
    everywhere = fault.region == EVERYWHERE and region != IAM
    return (everywhere or fault.region == region) and fault.operation in (EVERYWHERE, operation)


def _kill_tokens(fault: Fault, hit: Hit) -> None:
    if fault.token_kill:
        hit.accounts.kill_tokens()


def _wait(fault: Fault, _hit: Hit) -> None:
    if fault.delay:
        time.sleep(fault.delay)


def _answer(fault: Fault, _hit: Hit) -> Response | None:
    if fault.status is None:
        return None
    # Text is sent as it is: a proxy's HTML page, broken JSON, nothing at all.
    as_text = isinstance(fault.body, str) or fault.body is None
    content = (fault.body or "") if as_text else json.dumps(fault.body)
    content_type = "text/html" if as_text else "application/json"
    headers: Mapping[str, str] = {"Content-Type": content_type} | dict(fault.headers)
    return Response(str(content), status=fault.status, headers=headers)


EFFECTS: tuple[Callable[[Fault, Hit], Response | None], ...] = (_kill_tokens, _wait, _answer)
