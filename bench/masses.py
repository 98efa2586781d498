"""Measures 10,000 lanes and 40,000 tags in one delivery, and the end of an outage of SWR."""

import time

from bench.deployment import MASS, Deployment, Plan, Swr, deploy, swr
from bench.figures import Figure, Measurement
from bench.offered import offer
from bench.scenery import CALL, PACE, images

LANES = 10_000
# With a longer time the ratio is that of the part which was done by then.
DRAIN_PATIENCE = 300.0
REPOSITORIES, TAGS = 10_000, 30
OUTAGES, OUTAGE, BETWEEN = 3, 20.0, 5.0
OUTAGE_PATIENCE = 60.0
BIG_REPOSITORIES, BIG_TAGS = 40, 1_000
# Deliveries per second of others, and seconds before and after the big one is answered.
OFFERED, QUIET, AFTERWARDS = 100, 5.0, 10.0


def measure_drain(plan: Plan) -> Measurement:
    """Deliver many lanes at once, and wait until all are verified."""
    with swr(CALL) as simulated, deploy(plan, simulated) as deployment:
        cpu, server = deployment.cpu(), deployment.server_cpu()
        started = time.monotonic()
        with deployment.sender(MASS) as sender:
            status = sender.send(images(LANES))
        is_done = simulated.wait_for("seen", LANES, DRAIN_PATIENCE)
        seconds, counts = time.monotonic() - started, simulated.counts()
        cpu, server = deployment.cpu() - cpu, deployment.server_cpu() - server
    busiest = max(counts["requests"].values())
    seen = counts["seen"]
    part = "" if is_done else f", only {seen:,} verified by then (answer: {status})"
    figure = Figure(
        f"{LANES:,} lanes in one delivery, until all are verified",
        f"{seconds:.0f} s{part}; CPU {cpu:.0f} s" + (f" + {server:.0f} s" if server else ""),
        f"{busiest:,} requests of the busiest region at {PACE}/s: {busiest / PACE:.0f} s",
        seconds * PACE / busiest,
        at_least=1.3,
        moonshot=1.05,
        less_is_better=True,
    )
    return Measurement([figure])


def measure_outage(plan: Plan) -> Measurement:
    """Measure how long after outages of SWR the first call is made, with many open syncs."""
    with swr(CALL) as simulated, deploy(plan, simulated, start=False) as deployment:
        filled = _fill(deployment)
        started = time.monotonic()
        deployment.start()
        start = time.monotonic() - started
        waits = [_wait_after_outage(simulated) for _ in range(OUTAGES)]
        memory = deployment.memory()
    figure = Figure(
        f"SWR back after {OUTAGE:.0f} s, {REPOSITORIES * TAGS:,} open syncs: first call",
        ", ".join(f"{wait:.1f}" for wait in waits) + " s",
        f"recorded in {filled:.0f} s, start {start:.1f} s, memory {memory:.0f} MiB",
        max(waits),
        at_least=2,
        moonshot=0.2,
        unit="s",
        less_is_better=True,
    )
    return Measurement([figure])


def _fill(deployment: Deployment) -> float:
    """Record many syncs without working on them; return how many seconds that took."""
    with deployment.recording():
        started = time.monotonic()
        with deployment.sender(MASS) as sender:
            for tag in range(TAGS):
                sender.deliver(images(REPOSITORIES, tags=TAGS, tag=tag))
        return time.monotonic() - started


def _wait_after_outage(simulated: Swr) -> float:
    """Cut SWR off for a while; return the seconds from its return to the first call."""
    time.sleep(BETWEEN)
    simulated.control("down")
    time.sleep(OUTAGE)
    before = simulated.counts()["calls"]
    back: float = simulated.control("up")
    if not simulated.wait_for("calls", before + 1, OUTAGE_PATIENCE):
        return OUTAGE_PATIENCE
    ((at, *_), *_) = simulated.calls(before)
    return at - back


def measure_big_delivery(plan: Plan) -> Measurement:
    """Measure the answers to others while a very big delivery comes in and is worked on."""
    big = [
        image
        for tag in range(BIG_TAGS)
        for image in images(BIG_REPOSITORIES, tags=BIG_TAGS, tag=tag)
    ]
    with swr(CALL) as simulated, deploy(plan, simulated) as deployment:
        with offer(deployment, OFFERED) as quiet:
            time.sleep(QUIET)
        with offer(deployment, OFFERED) as offered, deployment.sender(MASS) as sender:
            started = time.monotonic()
            status = sender.send(big)
            answered = time.monotonic() - started
            time.sleep(AFTERWARDS)
    refused = (
        f"; {offered.refused()} refused: {dict(offered.statuses)}" if offered.refused() else ""
    )
    figure = Figure(
        f"p99 of {OFFERED}/s of others while {len(big):,} tags come in",
        f"{offered.p99():.0f} ms of {len(offered.latencies):,}{refused}",
        f"before: {quiet.p99():.0f} ms; the big one: {status} after {answered:.1f} s",
        # A refusal misses the goal, whatever the latencies.
        offered.p99() if not offered.refused() else float("inf"),
        at_least=150,
        moonshot=50,
        unit="ms",
        less_is_better=True,
    )
    return Measurement([figure])
