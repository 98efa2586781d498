"""What differs between a source and its targets, and what is done about it: values, and no I/O."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from swrhook.model import Lane, PlannedSync, Target


class RepairKind(StrEnum):
    """Why source and targets are compared."""

    BACKFILL = "backfill"  # a person wants the tags that were there before the rules
    RECONCILE = "reconcile"  # what was copied shall stay as the rules want it


class Stage(StrEnum):
    """Where a repair stands."""

    COMPARING = "comparing"
    PLANNED = "planned"  # a person is to agree
    ORDERING = "ordering"
    DONE = "done"  # every sync is recorded; each goes its own way
    CANCELLED = "cancelled"


ACTIVE_STAGES = frozenset({Stage.COMPARING, Stage.ORDERING})
CANCELLABLE_STAGES = frozenset({Stage.COMPARING, Stage.PLANNED, Stage.ORDERING})


class Drift(StrEnum):
    """What a target holds of a tag, measured by what the rules want and the sender has."""

    SAME = "same"
    MISSING = "missing"
    DIVERGED = "diverged"  # another image under the same tag
    UNWANTED = "unwanted"  # swrhook copied it, and it is wanted no more
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class RepositoryRef:
    """A repository in the region of its sender."""

    region: str
    namespace: str
    repository: str

    @property
    def key(self) -> str:
        """Return the place as one string, by which places are sorted."""
        return f"{self.region}/{self.namespace}/{self.repository}"

    @classmethod
    def from_key(cls, key: str) -> "RepositoryRef":
        """Read what `key` returned."""
        return cls(*key.split("/", 2))


@dataclass(frozen=True, slots=True)
class RepairRequest:
    """What somebody wants compared and mended; the words are those of Repair."""

    kind: RepairKind
    repositories: Sequence[RepositoryRef] | None = None
    sender: str | None = None
    rule: str | None = None
    report_only: bool = False
    needs_confirmation: bool = False
    max_calls: int | None = None


@dataclass(frozen=True, slots=True)
class Repair:
    """A comparison of repositories and what follows from it, as the ledger holds it.

    `places` are the keys of those named, None for all that the ledger knows. Those up to `cursor`
    are done. `calls` were made to list tags, of `max_calls` that the whole may take.
    """

    id: str
    kind: RepairKind
    stage: Stage
    repositories: Sequence[str] | None
    sender: str | None
    rule: str | None
    report_only: bool
    needs_confirmation: bool
    max_calls: int | None
    cursor: str
    calls: int
    planned_calls: int
    planned_reads: int
    tries: int

    @property
    def budget(self) -> float:
        """Return how many calls are left."""
        spent = self.calls + self.planned_calls + self.planned_reads
        return math.inf if self.max_calls is None else self.max_calls - spent

    @property
    def is_untouched(self) -> bool:
        """Tell whether the whole budget is left."""
        return not (self.calls or self.planned_calls)

    @property
    def after_comparing(self) -> Stage:
        """Return the stage that follows."""
        if self.report_only:
            return Stage.DONE
        return Stage.PLANNED if self.needs_confirmation else Stage.ORDERING


@dataclass(frozen=True, slots=True)
class Finding:
    """One tag at one target: what is wanted, what is there, and whether a sync is to mend it."""

    wanted: PlannedSync
    drift: Drift
    target_digest: str | None
    needs_sync: bool
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """About how many requests syncs take: calls of sync_images, and looks before and after."""

    calls: int = 0
    reads: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        """Return the cost of both."""
        return Cost(self.calls + other.calls, self.reads + other.reads)

    @property
    def requests(self) -> int:
        """Return all requests."""
        return self.calls + self.reads


@dataclass(frozen=True, slots=True)
class Progress:
    """What a step of a repair came to: `cursor` if a repository is done, calls made, and the price.

    The price is what the syncs for it will take.
    """

    stage: Stage
    due_at: datetime
    cursor: str | None = None
    price: Cost = Cost()
    calls: int = 0


# What a region holds of a repository, digests by tag; None where it cannot be read.
Held = Mapping[str, str] | None

NOT_OVERRIDDEN = "the target holds another image, and the rule does not override"
NOT_WANTED = "no rule wants it any more"
GONE = "it is no longer at the source"
OVER_BUDGET = "left to the next pass: max_calls is spent"
UNREADABLE = "the target cannot be read"


def compare(
    kind: RepairKind,
    here: Mapping[str, str],
    wanted: Iterable[PlannedSync],
    copied: Iterable[PlannedSync],
    there: Mapping[Target, Held],
) -> list[Finding]:
    """Return a finding for each tag that is wanted at a target, or was copied there and is not.

    `here` is what the source holds. A target that cannot be read gets everything from a backfill,
    and nothing from a reconcile, which would repeat itself.
    """
    found = [_finding(kind, sync, there[sync.target]) for sync in wanted]
    known = {(each.wanted.push.tag, each.wanted.target) for each in found}
    for sync in copied:
        tag, held = sync.push.tag, there[sync.target]
        if (tag, sync.target) not in known and held is not None and tag in held:
            reason = NOT_WANTED if tag in here else GONE
            found.append(Finding(sync, Drift.UNWANTED, held[tag], needs_sync=False, reason=reason))
    return found


def _finding(kind: RepairKind, sync: PlannedSync, there: Held) -> Finding:
    if there is None:
        needs_sync = kind is RepairKind.BACKFILL
        return Finding(sync, Drift.UNREADABLE, None, needs_sync=needs_sync, reason=UNREADABLE)
    held = there.get(sync.push.tag)
    if held is None:
        return Finding(sync, Drift.MISSING, None, needs_sync=True)
    if held == sync.push.digest:
        return Finding(sync, Drift.SAME, held, needs_sync=False)
    reason = None if sync.override else NOT_OVERRIDDEN
    return Finding(sync, Drift.DIVERGED, held, needs_sync=sync.override, reason=reason)


def estimate_cost(findings: Iterable[Finding], pages: Mapping[str, int], *, batch: int) -> Cost:
    """Return what mending takes; `pages` is how many pages of tags each region has."""
    lanes = Counter(_lane(each.wanted) for each in findings if each.needs_sync)
    total = Cost()
    for lane, tags in lanes.items():
        calls = math.ceil(tags / batch)
        regions = (lane.source_region, lane.target.region)
        # Both regions are looked at before the call and after it, tag by tag or in pages.
        looks = 2 * sum(min(tags, max(pages.get(region, 1), 1)) for region in regions)
        total += Cost(calls, calls * looks)
    return total


def report_only(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings for a report: nothing is done about them."""
    return [replace(each, needs_sync=False) for each in findings]


def limit_to_budget(
    findings: Sequence[Finding], pages: Mapping[str, int], *, batch: int, budget: float
) -> list[Finding]:
    """Return the findings, of which only the first are mended: those that the budget allows."""
    mended = [each for each in findings if each.needs_sync]
    while mended and estimate_cost(mended, pages, batch=batch).requests > budget:
        del mended[-max(len(mended) // 8, 1) :]
    left = len(mended)
    allowed = []
    for each in findings:
        is_over = each.needs_sync and left == 0
        left -= each.needs_sync and not is_over
        allowed.append(replace(each, needs_sync=False, reason=OVER_BUDGET) if is_over else each)
    return allowed


def _lane(sync: PlannedSync) -> Lane:
    push = sync.push
    return Lane(push.region, push.namespace, push.repository, sync.target, sync.override)
