"""Measures the memory of the process: after many syncs, later, and after one very big delivery.

`make bench` measures it after the syncs. `python -m bench.memory` also waits, delivers 40,000 tags
at once, and waits again; that takes half an hour, and writes docs/performance.md.
"""

import time
from collections.abc import Callable, Sequence
from pathlib import Path

from bench.deployment import MASS, Deployment, Plan, Swr, deploy, swr
from bench.figures import Figure, announce, show, write
from bench.scenery import images
from tests.programs import ROOT

# Each tag goes to two targets.
SYNCS, TARGETS, REPOSITORIES = 20_000, 2, 20
BIG_REPOSITORIES, BIG_TAGS = 40, 1_000
# Seconds after the syncs, and after the big delivery.
LATER, AFTERWARDS = 900.0, 300.0
# Settings with which syncs are verified as quickly as the stand-in for SWR answers.
QUICK = {
    "pace": {"per_second": 1_000, "in_flight": 64, "in_flight_per_target": 64},
    "verify": {"first": "100ms", "cap": "1s"},
}
_BETWEEN = 0.1  # seconds between two readings
_AT_LEAST, _MOONSHOT = 150, 110


def measure_syncs(root: Path) -> Figure:
    """Measure the code in a folder after many syncs, each tag in a delivery of its own."""
    with swr() as simulated, deploy(_plan(root), simulated) as deployment:
        return _after_syncs(simulated, deployment)


def measure_all() -> Sequence[Figure]:
    """Measure one process through it all."""
    with swr() as simulated, deploy(_plan(ROOT), simulated) as deployment:
        announce("20,000 syncs")
        syncs = _after_syncs(simulated, deployment)
        announce("15 minutes later")
        highest, later = _watch(deployment, LATER)
        announce("40,000 tags at once")
        return [
            syncs,
            _figure(f"{LATER / 60:.0f} minutes later", later, f"at most: {highest:.0f} MiB"),
            _after_big_delivery(simulated, deployment),
        ]


def _plan(root: Path) -> Plan:
    return Plan(root, targets=TARGETS, settings=QUICK)


def _after_syncs(simulated: Swr, deployment: Deployment) -> Figure:
    before = deployment.memory()
    tags = SYNCS // TARGETS // REPOSITORIES
    with deployment.sender(MASS) as sender:
        for tag in range(tags):
            for image in images(REPOSITORIES, tags=tags, tag=tag):
                sender.deliver([image])
    assert simulated.wait_for("seen", SYNCS)
    name = f"memory of the process after {SYNCS:,} syncs"
    return _figure(name, deployment.memory(), f"at start: {before:.0f} MiB")


def _after_big_delivery(simulated: Swr, deployment: Deployment) -> Figure:
    big = [
        image
        for tag in range(BIG_TAGS)
        for image in images(BIG_REPOSITORIES, first=REPOSITORIES, tags=BIG_TAGS, tag=tag)
    ]
    wanted = SYNCS + len(big) * TARGETS
    with deployment.sender(MASS) as sender:
        assert sender.send(big) == 202
    highest, _ = _watch(deployment, float("inf"), lambda: simulated.counts()["seen"] >= wanted)
    _, later = _watch(deployment, AFTERWARDS)
    name = f"{AFTERWARDS / 60:.0f} minutes after {len(big):,} tags in one delivery"
    return _figure(
        name, later, f"at most, from the answer until they were verified: {highest:.0f} MiB"
    )


def _watch(
    deployment: Deployment, seconds: float, is_done: Callable[[], bool] = lambda: False
) -> tuple[float, float]:
    """Return the highest memory within so many seconds or until it is done, and the last."""
    highest = last = deployment.memory()
    deadline = time.monotonic() + seconds
    while time.monotonic() < deadline and not is_done():
        time.sleep(_BETWEEN)
        last = deployment.memory()
        highest = max(highest, last)
    return highest, last


def _figure(name: str, value: float, reference: str) -> Figure:
    return Figure(
        name,
        f"{value:.0f} MiB",
        reference,
        value,
        at_least=_AT_LEAST,
        moonshot=_MOONSHOT,
        unit="MiB",
        less_is_better=True,
    )


def main() -> None:
    """Measure, print the figures, and write them into the page."""
    figures = measure_all()
    show(figures, (), "Memory")
    write(figures, [], (), "memory")


if __name__ == "__main__":
    main()
