"""How much of what the rules want is at its targets, counted by rule and target region. No I/O."""

from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum
from typing import NamedTuple

from swrhook.model import PlannedSync, route
from swrhook.syncs.reconciliation import Drift, Finding


class Gap(StrEnum):
    """What keeps a tag from being covered at a target."""

    MISSING = "missing"
    CHANGED = "changed"  # the target holds another image
    UNKNOWN = "unknown"  # the target cannot be read, or was never compared


class CoverageKey(NamedTuple):
    """A rule, and a region that it copies to."""

    rule: str
    target_region: str


@dataclass(frozen=True, slots=True)
class Counts:
    """Wanted tags at their targets, and those that are not known to be there as they should.

    `on_the_way` are gaps with an open sync, and not counted as gaps of their kind.
    """

    wanted: int = 0
    on_the_way: int = 0
    missing: int = 0
    changed: int = 0
    unknown: int = 0

    @property
    def present(self) -> int:
        """Return how many targets hold the right digest."""
        return self.wanted - self.on_the_way - self.missing - self.changed - self.unknown

    def __add__(self, other: "Counts") -> "Counts":
        """Return the sum of two counts."""
        return Counts(*(mine + its for mine, its in zip(self.values, other.values, strict=True)))

    def __sub__(self, other: "Counts") -> "Counts":
        """Return the difference of two counts."""
        return Counts(*(mine - its for mine, its in zip(self.values, other.values, strict=True)))

    @property
    def values(self) -> Sequence[int]:
        """Return the counts in the order of their fields."""
        return self.wanted, self.on_the_way, self.missing, self.changed, self.unknown


WANTED = Counts(wanted=1)


def count_gap(kind: Gap, *, on_the_way: bool) -> Counts:
    """Return the counts of one gap, which is wanted."""
    return replace(WANTED, **{"on_the_way" if on_the_way else kind.value: 1})


@dataclass(frozen=True, slots=True)
class GapAt:
    """A wanted tag that is not at its target as it should; `route` names both."""

    route: str
    sync: PlannedSync
    kind: Gap
    target_digest: str | None
    reason: str | None
    on_the_way: bool


@dataclass(frozen=True, slots=True)
class RepositoryCoverage:
    """The coverage of one repository, as it was seen at a time."""

    observed_at: datetime
    counts: Mapping[CoverageKey, Counts]
    gaps: Sequence[GapAt] = ()


_GAPS = {
    Drift.MISSING: Gap.MISSING,
    Drift.DIVERGED: Gap.CHANGED,
    Drift.UNREADABLE: Gap.UNKNOWN,
}


def measure(
    findings: Iterable[Finding], open_routes: Collection[str], observed_at: datetime
) -> RepositoryCoverage:
    """Return the coverage that a comparison found; `open_routes` are those of open syncs."""
    counts: dict[CoverageKey, Counts] = defaultdict(Counts)
    gaps: list[GapAt] = []
    for finding in findings:
        if finding.drift is Drift.UNWANTED:
            continue
        sync = finding.sync
        key = CoverageKey(sync.rule, sync.target.region)
        if finding.drift is Drift.SAME:
            counts[key] += WANTED
            continue
        name = route(sync.lane, sync.push.tag)
        on_the_way = name in open_routes
        kind = _GAPS[finding.drift]
        counts[key] += count_gap(kind, on_the_way=on_the_way)
        gaps.append(GapAt(name, sync, kind, finding.target_digest, finding.reason, on_the_way))
    return RepositoryCoverage(observed_at, counts, gaps)


def count_unknown(planned: Iterable[PlannedSync], now: datetime) -> RepositoryCoverage:
    """Return the coverage of a repository that was listed, and not compared yet."""
    counts: dict[CoverageKey, Counts] = defaultdict(Counts)
    for sync in planned:
        counts[CoverageKey(sync.rule, sync.target.region)] += Counts(wanted=1, unknown=1)
    return RepositoryCoverage(now, counts)
