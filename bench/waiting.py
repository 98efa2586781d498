"""Measures calls and lone pushes while the pace keeps many lanes of another sender waiting."""

import threading
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import astuple, dataclass, replace
from functools import partial
from operator import sub
from typing import Self

from bench.deployment import LONE, MASS, Deployment, Plan, deploy, swr
from bench.figures import Figure, Measurement, Plot
from bench.offered import p99
from bench.processes import cpu_seconds
from bench.scenery import CALL, images, plot_name, title

COUNTS, FEW, MANY = (10, 100, 1_000, 10_000), 100, 10_000
# Seconds: the measurement, after some in which the burst of the pace is used up.
WINDOW, SETTLING = 20.0, 3.0
TOP_UP, TOP_UP_EVERY = 5, 0.02
LONE_EVERY = 0.4
# A lone push without a call counts with the time that it was waited for.
LONE_PATIENCE = 20.0
# The reads that verify would take a part of the pace that grows with the time.
UNVERIFIED = {"first": "10m", "cap": "10m"}


@dataclass(frozen=True, slots=True)
class _Spent:
    """Seconds, CPU seconds and calls up to a time, or between two times."""

    seconds: float
    cpu: float
    server_cpu: float
    swr_cpu: float
    calls: int

    @classmethod
    def by(cls, deployment: Deployment) -> Self:
        swr_cpu, calls = cpu_seconds(deployment.swr.pid), deployment.swr.counts()["calls"]
        return cls(time.monotonic(), deployment.cpu(), deployment.server_cpu(), swr_cpu, int(calls))

    def since(self, before: Self) -> Self:
        return type(self)(*map(sub, astuple(self), astuple(before)))

    def each_call(self, cpu: float) -> float:
        """Return CPU seconds as ms a call."""
        return cpu * 1000 / max(self.calls, 1)


@dataclass(frozen=True, slots=True)
class Observed:
    """What the window took, and the p99 of the lone pushes' waits in seconds."""

    spent: _Spent
    lone: float

    @property
    def cpu(self) -> float:
        return self.spent.each_call(self.spent.cpu)

    @property
    def server_cpu(self) -> float:
        return self.spent.each_call(self.spent.server_cpu)

    @property
    def cost(self) -> str:
        server = f" + {self.server_cpu:.1f} of PostgreSQL" if self.server_cpu else ""
        rate = self.spent.calls / self.spent.seconds
        swr_cpu = self.spent.each_call(self.spent.swr_cpu)
        return f"{self.cpu:.1f} ms{server}, {rate:.0f} calls/s (SWR: {swr_cpu:.1f} ms)"


def measure(plan: Plan) -> Measurement:
    """Compare many waiting lanes with few."""
    plan = replace(plan, settings={**plan.settings, "verify": UNVERIFIED})
    observed = {count: _observe(plan, count) for count in COUNTS}
    few, many = observed[FEW], observed[MANY]
    cpu = Figure(
        f"CPU a call with {MANY:,} lanes waiting ÷ with {FEW}",
        many.cost,
        few.cost,
        many.cpu / few.cpu,
        at_least=1.5,
        moonshot=1.1,
        less_is_better=True,
    )
    lone = Figure(
        f"lone push of another sender, push → call, {MANY:,} lanes waiting, p99",
        f"{many.lone:.2f} s",
        f"{FEW} lanes waiting: {few.lone:.2f} s",
        many.lone,
        at_least=1,
        moonshot=0.1,
        unit="s",
        less_is_better=True,
    )
    return Measurement([cpu, lone], _plots(plan, observed))


def _plots(plan: Plan, observed: Mapping[int, Observed]) -> Sequence[Plot]:
    costs = {"swrhook": [(count, each.cpu) for count, each in observed.items()]}
    if plan.on_postgresql:
        costs["PostgreSQL"] = [(count, each.server_cpu) for count, each in observed.items()]
    waits = {"p99": [(count, each.lone) for count, each in observed.items()]}
    lone = "A lone push of another sender, push → call"
    plot = partial(Plot, x="lanes waiting", is_logarithmic=True)
    return [
        plot(plot_name(plan, "cpu"), title(plan, "CPU a call"), y="ms", lines=costs),
        plot(plot_name(plan, "lone"), title(plan, lone), y="seconds", lines=waits),
    ]


def _observe(plan: Plan, count: int) -> Observed:
    with swr(CALL) as simulated, deploy(plan, simulated) as deployment:
        with deployment.sender(MASS) as sender:
            sender.deliver(images(count))
        with _topping_up(deployment, count):
            time.sleep(SETTLING)
            before = _Spent.by(deployment)
            pushed = _push_alone(deployment)
            spent = _Spent.by(deployment).since(before)
            return Observed(spent, p99(_waits(deployment, pushed)))


@contextmanager
def _topping_up(deployment: Deployment, count: int) -> Iterator[None]:
    """Deliver as many new lanes as are called for, a few at a time, during the block."""
    ended = threading.Event()

    def top_up() -> None:
        delivered = count
        with deployment.sender(MASS) as sender:
            while not ended.wait(TOP_UP_EVERY):
                while not ended.is_set() and delivered - _called(deployment) <= count - TOP_UP:
                    sender.deliver(images(TOP_UP, first=delivered))
                    delivered += TOP_UP

    thread = threading.Thread(target=top_up)
    thread.start()
    try:
        yield
    finally:
        ended.set()
        thread.join()


def _called(deployment: Deployment) -> int:
    counts = deployment.swr.counts()
    return int(counts["calls"] - counts["called"].get(LONE, 0))


def _push_alone(deployment: Deployment) -> Mapping[str, float]:
    """Push single tags as another sender during the window; return the time of each push."""
    pushed = {}
    with deployment.sender(LONE) as sender:
        started = time.monotonic()
        for number in range(int(WINDOW / LONE_EVERY)):
            time.sleep(max(0.0, started + number * LONE_EVERY - time.monotonic()))
            repository = f"{LONE}/app-{number}.1"
            pushed[repository] = time.monotonic()
            sender.deliver([f"{repository}:v0"])
    return pushed


def _waits(deployment: Deployment, pushed: Mapping[str, float]) -> list[float]:
    """Return the seconds from each push to its call."""
    deadline = time.monotonic() + LONE_PATIENCE
    while deployment.swr.counts()["called"].get(LONE, 0) < len(pushed):
        if time.monotonic() > deadline:
            break
        time.sleep(0.1)
    ended = time.monotonic()
    called = {name: at for at, _, name, _, _ in reversed(deployment.swr.calls())}
    return [called.get(repository, ended) - at for repository, at in pushed.items()]
