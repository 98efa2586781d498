"""Measures what a sync costs: CPU time, requests and transactions; a hook's latency; memory.

`make bench` measures the code in this folder, `python -m bench.costs FOLDER` that in another one.
"""

import signal
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from bench import figures
from bench.deployment import MASS, Deployment, Plan, deploy, swr
from bench.figures import Figure, Measurement
from bench.memory import QUICK, measure_syncs
from bench.offered import offer
from tests.chaos.server import is_installed
from tests.programs import ROOT

LANES, ALONE = 1_000, 200
# Seconds: how long an idle deployment is watched, and the pause between two lone pushes.
IDLE, PAUSE = 20.0, 0.05
OFFERED, BACKLOG, OFFERED_SECONDS, CALL = 200, 2_000, 10.0, 0.02
UNVERIFIED = {**QUICK, "verify": {"first": "10m", "cap": "10m"}}


def measure(root: Path = ROOT) -> Measurement:
    """Measure on SQLite and, if its programs are installed, on a PostgreSQL of our own."""
    embedded = Plan(root, settings=QUICK)
    verified = _cost_of_lanes(embedded)
    triggered = _cost_of_lanes(Plan(root, settings=UNVERIFIED), verified=False)
    measured = [
        Figure(
            "CPU of swrhook a verified sync, lane of its own, SQLite",
            f"{verified.cpu:.1f} ms",
            f"until its call: {triggered.cpu:.1f} ms",
            verified.cpu,
            unit="ms",
        ),
        *_counts(verified, triggered),
        _hook(embedded),
        measure_syncs(root),
    ]
    if not is_installed():
        return Measurement(measured, skipped=["costs on PostgreSQL: it is not installed"])
    clustered = Plan(root, on_postgresql=True, settings=QUICK)
    return Measurement(
        [*measured, _ratio(verified, _cost_of_lanes(clustered)), *_commits(clustered)]
    )


@dataclass(frozen=True, slots=True)
class Cost:
    """What one sync costs: ms of CPU time, requests to SWR, and committed transactions."""

    cpu: float
    server_cpu: float
    requests: float
    transactions: float


def _cost_of_lanes(plan: Plan, *, verified: bool = True) -> Cost:
    """Push a tag of each of many repositories, until all are verified or called for."""
    with (
        swr() as simulated,
        deploy(plan, simulated) as deployment,
        deployment.sender(MASS) as sender,
    ):
        _warm_up(deployment)
        before = _totals(deployment)
        for number in range(LANES):
            sender.deliver([f"org-{number % 20}/app-{number}.1:v0"])
        _wait(deployment, LANES + 1, verified=verified)
        after = _totals(deployment)
    cpu, server_cpu, requests, commits = (
        (total - earlier) / LANES for earlier, total in zip(before, after, strict=True)
    )
    return Cost(cpu * 1000, server_cpu * 1000, requests, commits)


def _warm_up(deployment: Deployment) -> None:
    """Sync one tag, which includes the login."""
    with deployment.sender(MASS) as sender:
        sender.deliver(["warm/app-0.1:v0"])
    _wait(deployment, 1, verified=False)


def _wait(deployment: Deployment, count: int, *, verified: bool) -> None:
    """Wait for so many calls or verified syncs, and until they are in the ledger."""
    assert deployment.swr.wait_for("seen" if verified else "calls", count)
    time.sleep(1)


def _totals(deployment: Deployment) -> Sequence[float]:
    requests = sum(deployment.swr.counts()["requests"].values())
    commits = 0 if deployment.server else deployment.commits()
    return deployment.cpu(), deployment.server_cpu(), requests, commits


def _counts(verified: Cost, triggered: Cost) -> Sequence[Figure]:
    """Return the requests and transactions of a lane with one tag, on SQLite."""
    return [
        Figure(
            f"{name} a verified sync, lane of its own, SQLite",
            f"{until_verified:.2f}",
            f"until its call: {until_called:.2f}",
            until_verified,
            unit=unit,
            less_is_better=True,
        )
        for name, unit, until_verified, until_called in (
            ("requests to SWR", "requests", verified.requests, triggered.requests),
            ("transactions", "transactions", verified.transactions, triggered.transactions),
        )
    ]


def _ratio(embedded: Cost, clustered: Cost) -> Figure:
    return Figure(
        "CPU of swrhook a verified sync, lane of its own, PostgreSQL ÷ SQLite",
        f"{clustered.cpu:.1f} ms; PostgreSQL itself: {clustered.server_cpu:.1f} ms",
        f"SQLite: {embedded.cpu:.1f} ms",
        clustered.cpu / embedded.cpu,
        at_least=2,
        moonshot=1.3,
        less_is_better=True,
    )


def _commits(plan: Plan) -> Sequence[Figure]:
    """Push one tag after the other on PostgreSQL, each when the one before is verified."""
    with swr() as simulated, deploy(plan, simulated) as deployment:
        _warm_up(deployment)
        idle = _idle_commits(deployment)
        before, started = deployment.commits(), time.monotonic()
        with deployment.sender(MASS) as sender:
            for number in range(ALONE):
                sender.deliver([f"org/app-{number}.1:v0"])
                assert simulated.wait_for("seen", number + 2)
                time.sleep(PAUSE)
        commits = deployment.commits() - before - idle * (time.monotonic() - started)
        deployment.web.stop()
        of_worker = _idle_commits(deployment)
    return [
        Figure(
            "commits a verified sync, pushed alone, PostgreSQL",
            f"{commits / ALONE:.1f}",
            "",
            commits / ALONE,
            at_least=11,
            moonshot=8,
            unit="commits",
            less_is_better=True,
        ),
        Figure(
            "commits of an idle worker, PostgreSQL",
            f"{of_worker:.2f}/s",
            f"with a web process: {idle:.2f}/s",
            of_worker,
            at_least=2,
            unit="per second",
            less_is_better=True,
        ),
    ]


def _idle_commits(deployment: Deployment) -> float:
    """Return how many transactions an idle deployment commits per second."""
    before, started = deployment.commits(), time.monotonic()
    time.sleep(IDLE)
    return (deployment.commits() - before) / (time.monotonic() - started)


def _hook(plan: Plan) -> Figure:
    """Offer pushes while the workers work on a backlog of lanes."""
    with swr(CALL) as simulated, deploy(plan, simulated) as deployment:
        with deployment.sender(MASS) as sender:
            sender.deliver([f"org-{n % 20}/app-{n}.1:v0" for n in range(BACKLOG)])
        with offer(deployment, OFFERED) as offered:
            time.sleep(OFFERED_SECONDS)
    refused = f", {offered.refused()} refused" if offered.refused() else ""
    return Figure(
        f"p99 of a hook at {OFFERED}/s offered while {plan.threads} workers sync",
        f"{offered.p99():.0f} ms of {len(offered.latencies):,} answers{refused}",
        "",
        offered.p99(),
        at_least=50,
        moonshot=20,
        unit="ms",
        less_is_better=True,
    )


def main() -> None:
    """Measure the code in a folder, and print the table."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends its processes, too
    result = measure(Path(sys.argv[1]) if sys.argv[1:] else ROOT)
    figures.show(result.figures, result.skipped, "What a sync costs")


if __name__ == "__main__":
    main()
