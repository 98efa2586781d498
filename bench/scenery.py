"""What the measurements of `make scale` share: the limits, the images, and the words."""

from collections.abc import Sequence
from pathlib import Path

from bench.deployment import Plan

# Seconds of a call of sync_images, and requests per second to each region.
CALL, PACE = 0.02, 200
LIMITS = {"per_second": PACE, "in_flight": 16, "in_flight_per_target": 16}
THREADS = 34  # room for 16 runs in a region: less than half of the threads
ORGANIZATIONS = 20


def make_plan(root: Path, *, on_postgresql: bool) -> Plan:
    return Plan(root, on_postgresql, threads=THREADS, settings={"pace": LIMITS})


def images(count: int, *, first: int = 0, tags: int = 1, tag: int = 0) -> Sequence[str]:
    """Return a tag of each of so many repositories, which have so many tags."""
    return [
        f"org-{number % ORGANIZATIONS}/app-{number}.{tags}:v{tag}"
        for number in range(first, first + count)
    ]


def plot_name(plan: Plan, name: str) -> str:
    return f"scale-{name}{'-postgresql' if plan.on_postgresql else ''}"


def title(plan: Plan, text: str) -> str:
    return f"{text}, {'PostgreSQL' if plan.on_postgresql else 'SQLite'}"
