"""Looking at source and target: what the regions hold of a lane's tags."""

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from swrhook.errors import Kind, SwrError
from swrhook.model import Lane, Sync
from swrhook.syncs.decisions import Judge, Look
from swrhook.worker.visit import Visit

if TYPE_CHECKING:
    from swrhook.swr.protocol import SyncJob

# Up to so many tags are looked at one by one, more with one list call: a list brings whole
# manifests of tags that nobody asked for.
MOST_SINGLE_LOOKS = 2
# How far SWR's clock may be behind ours before a job is taken for an earlier call's.
CLOCK_SKEW = timedelta(seconds=5)
# The states in which SWR does nothing more for a job (its ShowSyncJob).
ENDED = frozenset({"success", "failed", "timeout", "cancel", "existed"})


@dataclass(frozen=True, slots=True)
class Sight:
    """What source and target hold, by tag, and whether the target's organization is missing."""

    source: Mapping[str, Look]
    target: Mapping[str, Look]
    no_organization: bool = False
    no_region: bool = False

    def is_held(self, tag: str) -> bool:
        """Tell whether the target holds what the source does."""
        return self.target[tag] is not None and self.source[tag] == self.target[tag]


@dataclass(frozen=True, slots=True)
class Jobs:
    """SWR's own jobs: the latest one's state by tag, and the tags for which all have ended."""

    states: Mapping[str, str] = field(default_factory=dict)
    ended: AbstractSet[str] = frozenset()


def look(visit: Visit, lane: Lane, tags: Collection[str]) -> Sight:
    """Look at the lane's tags in both regions; what hides one is part of the sight.

    Where the source hides all of them for now, nothing depends on the target: it is not asked.
    """
    here = _digests(visit, lane.source_region, lane.namespace, lane.repository, tags)
    if here and all(is_hidden_for_now(found) for found in here.values()):
        return Sight(source=here, target=here)
    target = lane.target
    there = _digests(visit, target.region, target.namespace, lane.repository, tags)
    missing = None in there.values() and not _has_namespace(visit, lane)
    return Sight(here, there, no_organization=missing, no_region=visit.knows_no_region(lane))


def is_hidden_for_now(found: Look) -> bool:
    """Tell whether a later look may be answered: not one that we may not take."""
    return isinstance(found, SwrError) and found.kind is not Kind.CONFIGURATION


def look_at_jobs(visit: Visit, lane: Lane, called: Sequence[Sync], judge: Judge) -> Jobs:
    """Return what SWR tells of its jobs for these syncs' calls, which may be nothing."""
    try:
        listed = visit.sync_jobs(lane.source_region, lane.namespace, lane.repository)
    except SwrError:
        return Jobs()  # a help, not a need: the look at the target decides
    called_at = {sync.tag: _called_after(sync, judge) for sync in called}
    latest: dict[str, SyncJob] = {}
    busy: set[str] = set()
    for job in listed:
        if job.tag not in called_at or job.target != lane.target or job.created_at is None:
            continue
        if job.status not in ENDED:
            busy.add(job.tag)
        if job.created_at >= called_at[job.tag] - CLOCK_SKEW:
            latest.setdefault(job.tag, job)  # newest first
    return Jobs(
        states={tag: job.status for tag, job in latest.items()},
        ended=frozenset(latest.keys() - busy),
    )


def _called_after(sync: Sync, judge: Judge) -> datetime:
    """Return a time before the sync's call, as near to it as is known."""
    if judge.is_hidden_too_long(sync):  # verifying_since has moved on with each look in vain
        return sync.created_at
    return sync.verifying_since or sync.updated_at


def _digests(
    visit: Visit, region: str, namespace: str, repository: str, tags: Collection[str]
) -> dict[str, Look]:
    try:
        if len(tags) > MOST_SINGLE_LOOKS:
            found = visit.list_tags(region, namespace, repository, tags)
            return {tag: found.get(tag) for tag in tags}
    except SwrError as exc:
        return dict.fromkeys(tags, exc)
    return {tag: _digest(visit, region, namespace, repository, tag) for tag in tags}


def _digest(visit: Visit, region: str, namespace: str, repository: str, tag: str) -> Look:
    try:
        return visit.show_tag(region, namespace, repository, tag)
    except SwrError as exc:
        return exc


def _has_namespace(visit: Visit, lane: Lane) -> bool:
    try:
        return visit.has_namespace(lane.target.region, lane.target.namespace)
    except SwrError:
        return True  # not known to be missing: the call will tell
