"""How a run meets the limits of a region, for the tests of both."""

from swrhook.worker.circuit_breaker import FAILURES_TO_OPEN, Operation
from tests.factories import LANE
from tests.worker.harness import WorkerHarness, error

SOURCE = LANE.source_region


def postponed(harness: WorkerHarness) -> dict[tuple[str, str], float]:
    """Return how often a region had no room, by region and reason."""
    [metric] = harness.metrics.postponed.collect()
    return {
        (sample.labels["region"], sample.labels["reason"]): sample.value
        for sample in metric.samples
        if sample.name.endswith("_total")
    }


def open_breaker(harness: WorkerHarness, region: str, operation: Operation) -> None:
    for _ in range(FAILURES_TO_OPEN):
        harness.breakers.record(region, operation, harness.clock.time, error())
