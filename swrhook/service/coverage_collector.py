"""The gauges of coverage, by rule and target region, as they are stored in the ledger."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import datetime
from functools import partial

from prometheus_client import Metric
from prometheus_client.core import GaugeMetricFamily
from prometheus_client.registry import Collector

from swrhook.clock import Clock
from swrhook.config.model import ConfigSource
from swrhook.ledger.database import Database
from swrhook.ledger.optional_read import read_or_none
from swrhook.ledger.queries.coverage import CoverageSum, read_sums
from swrhook.service.metrics_collectors import SnapshotCollector
from swrhook.syncs.coverage import Counts, CoverageKey
from swrhook.usecases.rule_scope import coverage_keys

# Of so many rules and regions each has its own series; the others share those of the region.
MOST_SERIES = 200
OTHERS = "(others)"


def coverage_collector(database: Database, config: ConfigSource, clock: Clock) -> Collector:
    """Return the collector of the coverage."""

    def read() -> Sequence[CoverageSum] | None:
        return read_or_none(database, read_sums, coverage_keys(config.current()))

    gauges = partial(coverage_gauges, clock)
    return SnapshotCollector[Sequence[CoverageSum]](read, gauges, ())


def coverage_gauges(clock: Clock, sums: Sequence[CoverageSum] | None) -> Iterator[Metric]:
    """Yield the gauges of these sums; ages are those at the time of the clock."""
    labels = ["rule", "target_region"]
    tags = GaugeMetricFamily(
        "swrhook_coverage_tags",
        "Tags that rules want in a region, and how many of them are there, as last compared.",
        labels=[*labels, "state"],
    )
    observation = GaugeMetricFamily(
        "swrhook_coverage_oldest_observation_seconds",
        "Seconds since the repository was compared that was compared longest ago.",
        labels=labels,
    )
    gap = GaugeMetricFamily(
        "swrhook_coverage_oldest_gap_seconds",
        "Seconds since a comparison first found the oldest gap; 0 without one.",
        labels=labels,
    )
    now = clock.now()
    for row in _limit(sums or ()):
        for state, count in _states(row.counts).items():
            tags.add_metric([*row.key, state], count)
        gap.add_metric(row.key, _age(row.oldest_gap, now))
        if row.oldest_observation is not None:
            observation.add_metric(row.key, _age(row.oldest_observation, now))
    yield from (tags, observation, gap)


def _states(counts: Counts) -> dict[str, int]:
    return {
        "wanted": counts.wanted,
        "present": counts.present,
        "on_the_way": counts.on_the_way,
        "missing": counts.missing,
        "changed": counts.changed,
        "unknown": counts.unknown,
    }


def _age(moment: datetime | None, now: datetime) -> float:
    return 0 if moment is None else max((now - moment).total_seconds(), 0)


def _earlier(one: datetime | None, other: datetime | None) -> datetime | None:
    return min(filter(None, (one, other)), default=None)


def _limit(sums: Sequence[CoverageSum]) -> list[CoverageSum]:
    """Return the first sums, and those of the other rules added up for each region."""
    others: dict[str, CoverageSum] = {}
    counts: dict[str, Counts] = defaultdict(Counts)
    for row in sums[MOST_SERIES:]:
        region = row.key.target_region
        counts[region] += row.counts
        before = others.get(region, row)
        others[region] = CoverageSum(
            CoverageKey(OTHERS, region),
            counts[region],
            _earlier(row.oldest_observation, before.oldest_observation),
            _earlier(row.oldest_gap, before.oldest_gap),
        )
    return [*sums[:MOST_SERIES], *others.values()]
