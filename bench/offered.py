"""Deliveries offered at a constant rate, however fast they are answered."""

import threading
import time
from collections import Counter
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass, field
from math import ceil

from bench.deployment import LONE, Deployment

_CONNECTIONS = 16
# The offered pushes are of so many repositories, which list so many tags.
_REPOSITORIES, _TAGS = 500, 10


@dataclass(slots=True)
class Offer:
    """The answers so far: their latencies in ms, and how many there were by status.

    A latency counts from the time at which the delivery should have been sent.
    """

    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)

    def p99(self) -> float:
        return p99(self.latencies)

    def refused(self) -> int:
        return sum(count for status, count in self.statuses.items() if not 200 <= status < 300)


@contextmanager
def offer(deployment: Deployment, per_second: float) -> Iterator[Offer]:
    """Deliver pushes at a rate, each of one tag, during the block."""
    offered, ended, started = Offer(), threading.Event(), time.monotonic()

    def deliver(first: int) -> None:
        with deployment.sender(LONE) as sender:
            for number in range(first, 1_000_000, _CONNECTIONS):
                at = started + number / per_second
                if ended.wait(max(0.0, at - time.monotonic())):
                    return
                tag = f"v{number // _REPOSITORIES % _TAGS}"
                image = f"others/app-{number % _REPOSITORIES}.{_TAGS}:{tag}"
                offered.statuses[sender.send([image])] += 1
                offered.latencies.append((time.monotonic() - at) * 1000)

    with ThreadPoolExecutor(_CONNECTIONS) as pool:
        runs = [pool.submit(deliver, first) for first in range(_CONNECTIONS)]
        try:
            yield offered
        finally:
            ended.set()
            for run in runs:
                run.result()


def p99(values: list[float]) -> float:
    """Return the smallest value that 99 of 100 do not exceed."""
    return sorted(values)[ceil(0.99 * len(values)) - 1]
