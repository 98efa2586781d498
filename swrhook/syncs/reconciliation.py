"""Compare a source repository with its targets and choose the syncs that fix it. No I/O."""

import math
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from swrhook.model import PlannedSync, Target
from swrhook.syncs.scope import Scope
from swrhook.wording.message import say


class RepairKind(StrEnum):
    """Why source and targets are compared."""

    BACKFILL = "backfill"  # an operator wants the tags that were pushed before the rules existed
    RECONCILE = "reconcile"  # copied tags must stay as the rules require


class Stage(StrEnum):
    """The stage of a repair."""

    DISCOVERING = "discovering"  # organizations and repositories are being listed
    COMPARING = "comparing"
    PLANNED = "planned"  # waits for an operator's approval
    ORDERING = "ordering"  # its syncs are being recorded
    DONE = "done"  # every sync is recorded; the worker carries them out
    CANCELLED = "cancelled"


ACTIVE_STAGES = frozenset({Stage.DISCOVERING, Stage.COMPARING, Stage.ORDERING})
CANCELLABLE_STAGES = ACTIVE_STAGES | {Stage.PLANNED}


class Drift(StrEnum):
    """How a tag at a target differs from the source and the rules."""

    SAME = "same"
    MISSING = "missing"
    DIVERGED = "diverged"  # the tag has another digest
    UNWANTED = "unwanted"  # swrhook copied it, and no rule wants it any more
    UNREADABLE = "unreadable"


@dataclass(frozen=True, slots=True)
class RepositoryRef:
    """A repository in a source region."""

    region: str
    namespace: str
    repository: str

    @property
    def key(self) -> str:
        """Return the repository as one string; a repair visits repositories in its order."""
        return f"{self.region}/{self.namespace}/{self.repository}"

    @classmethod
    def from_key(cls, key: str) -> "RepositoryRef":
        """Return the repository with this `key`."""
        return cls(*key.split("/", 2))


@dataclass(frozen=True, slots=True)
class RepairRequest:
    """A request for a backfill or reconcile; the fields mean the same as in Repair."""

    kind: RepairKind
    repositories: Sequence[RepositoryRef] | None = None
    sender: str | None = None
    rule: str | None = None
    report_only: bool = False
    needs_confirmation: bool = False
    max_calls: int | None = None
    scope: Scope | None = None
    proposed: bool = False


@dataclass(frozen=True, slots=True)
class Repair:
    """A backfill or reconcile, as the ledger stores it.

    `repositories` are the keys of the repositories to compare, None for all that the rules can
    reach; with a `scope` it is empty, and what is in scope is compared. Those up to `cursor` are
    done: `done` of `total`. `report_only` records findings without syncs. With
    `needs_confirmation`, an operator must approve the plan before syncs are recorded. `calls`
    counts the requests that listed tags; they and the requests of the syncs may reach `max_calls`.
    `tries` counts failed attempts at the present step. `proposed`: by swrhook itself.
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
    created_at: datetime
    scope: Scope | None = None
    done: int = 0
    total: int | None = None
    proposed: bool = False
    previous: str | None = None  # of a scheduled one: the scheduled one before it

    @property
    def scheduled(self) -> bool:
        """Return whether swrhook began it by itself, on schedule."""
        return self.previous is not None

    @property
    def budget(self) -> float:
        """Return how many requests are left."""
        spent = self.calls + self.planned_calls + self.planned_reads
        return math.inf if self.max_calls is None else self.max_calls - spent

    @property
    def is_untouched(self) -> bool:
        """Return whether no repository has taken a part of the budget yet."""
        return not (self.done or self.planned_calls)

    @property
    def is_of_all(self) -> bool:
        """Return whether it visits all repositories, those first whose turn is longest ago."""
        return self.repositories is None

    @property
    def seeks_drift(self) -> bool:
        """Return whether it is a reconcile that compares."""
        return self.kind is RepairKind.RECONCILE and self.stage is Stage.COMPARING

    @property
    def after_comparing(self) -> Stage:
        """Return the stage that follows the comparison."""
        if self.report_only:
            return Stage.DONE
        return Stage.PLANNED if self.needs_confirmation else Stage.ORDERING


@dataclass(frozen=True, slots=True)
class Finding:
    """One tag at one target: how it differs, and whether a sync is needed to fix it.

    `sync` is what the rules require, or the verified sync that they no longer require.
    `target_digest` is None if the target has no such tag or cannot be read.
    """

    sync: PlannedSync
    drift: Drift
    target_digest: str | None
    needs_sync: bool
    reason: str | None = None


@dataclass(frozen=True, slots=True)
class Cost:
    """About how many requests syncs take: calls of sync_images, and reads before and after."""

    calls: int = 0
    reads: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        """Return the sum of two costs."""
        return Cost(self.calls + other.calls, self.reads + other.reads)

    @property
    def requests(self) -> int:
        """Return the total number of requests."""
        return self.calls + self.reads


@dataclass(frozen=True, slots=True)
class Progress:
    """The result of one step of a repair.

    `cursor` is set when a repository is done. `cost` is the estimate for its syncs, `calls` the
    number of requests that the step made. `done` and `same` count its repository and the tags
    that are no findings; `total` is how many repositories there are, once it is known.
    """

    stage: Stage
    due_at: datetime
    cursor: str | None = None
    cost: Cost = Cost()
    calls: int = 0
    done: int = 0
    same: int = 0
    total: int | None = None


# A repository's digests by tag in one region, None for a tag that is shown without one; None if the
# repository cannot be read.
TagDigests = Mapping[str, str | None] | None

OVERRIDE_NOT_ALLOWED = say("the target has another image, and the rule does not override")
NO_LONGER_WANTED = say("no rule wants it any more")
NO_LONGER_AT_SOURCE = say("it is no longer at the source")
OVER_BUDGET = say("left to the next pass: max_calls is spent")
UNREADABLE = say("the target cannot be read")
NO_DIGEST = say("SWR shows the tag without a digest")


def compare(
    kind: RepairKind,
    source_digests: Mapping[str, str | None],
    planned: Iterable[PlannedSync],
    verified: Iterable[PlannedSync],
    target_digests: Mapping[Target, TagDigests],
) -> list[Finding]:
    """Return a finding for each planned sync, and for each verified one that is not planned.

    `source_digests` are the source's digests by tag.
    """
    findings = [_compare_sync(kind, sync, target_digests[sync.target]) for sync in planned]
    compared = {(finding.sync.push.tag, finding.sync.target) for finding in findings}
    for sync in verified:
        tag, digests = sync.push.tag, target_digests[sync.target]
        if (tag, sync.target) not in compared and digests is not None and tag in digests:
            reason = NO_LONGER_WANTED if tag in source_digests else NO_LONGER_AT_SOURCE
            findings.append(
                Finding(sync, Drift.UNWANTED, digests[tag], needs_sync=False, reason=reason)
            )
    return findings


def _compare_sync(kind: RepairKind, sync: PlannedSync, digests: TagDigests) -> Finding:
    if digests is None:
        # A backfill runs once and tries every target; a reconcile would retry in each pass.
        is_backfill = kind is RepairKind.BACKFILL
        return Finding(sync, Drift.UNREADABLE, None, needs_sync=is_backfill, reason=UNREADABLE)
    if sync.push.tag not in digests:
        return Finding(sync, Drift.MISSING, None, needs_sync=True)
    digest = digests[sync.push.tag]
    if digest is None or sync.push.digest is None:
        return Finding(sync, Drift.UNREADABLE, digest, needs_sync=False, reason=NO_DIGEST)
    if digest == sync.push.digest:
        return Finding(sync, Drift.SAME, digest, needs_sync=False)
    reason = None if sync.override else OVERRIDE_NOT_ALLOWED
    return Finding(sync, Drift.DIVERGED, digest, needs_sync=sync.override, reason=reason)


def estimate_cost(findings: Iterable[Finding], pages: Mapping[str, int], *, batch: int) -> Cost:
    """Return the cost of the syncs needed; `pages` is the number of tag pages in each region."""
    lanes = Counter(finding.sync.lane for finding in findings if finding.needs_sync)
    total = Cost()
    for lane, tags in lanes.items():
        calls = math.ceil(tags / batch)
        regions = (lane.source_region, lane.target.region)
        # Both regions are read before and after the call, tag by tag or page by page.
        reads = 2 * sum(min(tags, max(pages.get(region, 1), 1)) for region in regions)
        total += Cost(calls, calls * reads)
    return total


def report_only(findings: Iterable[Finding]) -> list[Finding]:
    """Return the findings, none of which needs a sync."""
    return [replace(finding, needs_sync=False) for finding in findings]


def limit_to_budget(
    findings: Sequence[Finding], pages: Mapping[str, int], *, batch: int, budget: float
) -> list[Finding]:
    """Return the findings; only the first ones keep their need of a sync, within the budget."""
    needed = [finding for finding in findings if finding.needs_sync]
    affordable = needed.copy()
    while affordable and estimate_cost(affordable, pages, batch=batch).requests > budget:
        del affordable[-max(len(affordable) // 8, 1) :]
    over_budget = set(needed[len(affordable) :])
    return [
        replace(finding, needs_sync=False, reason=OVER_BUDGET)
        if finding in over_budget
        else finding
        for finding in findings
    ]
