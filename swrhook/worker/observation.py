"""Looking at source and target: what the regions hold of a lane's tags."""

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from swrhook.errors import Kind, SwrError
from swrhook.model import Lane, Sync
from swrhook.syncs.decisions import Decider, Look
from swrhook.worker.gateway import GatewaySession

if TYPE_CHECKING:
    from swrhook.swr.protocol import SyncJob
from sqlalchemy import Connection

from swrhook.ledger.calls import close_calls, open_digests
from swrhook.model import State
from swrhook.syncs.decisions import Decision
from swrhook.syncs.states import Event
from swrhook.worker.target_cache import impossible_region

# Up to so many tags are looked at one by one, more with one list call: a list brings whole
# manifests of tags that nobody asked for.
MOST_SINGLE_LOOKS = 2
# How far SWR's clock may be behind ours before a job is taken for an earlier call's.
CLOCK_SKEW = timedelta(seconds=5)
# The states in which SWR does nothing more for a job (its ShowSyncJob).
ENDED = frozenset({"success", "failed", "timeout", "cancel", "existed"})


@dataclass(frozen=True, slots=True)
class Observation:
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


def observe(visit: GatewaySession, lane: Lane, tags: Collection[str]) -> Observation:
    """Look at the lane's tags in both regions; what hides one is part of the sight.

    Where the source hides all of them for now, nothing depends on the target: it is not asked.
    """
    here = _digests(visit, lane.source_region, lane.namespace, lane.repository, tags)
    if here and all(is_temporarily_unreadable(found) for found in here.values()):
        return Observation(source=here, target=here)
    target = lane.target
    there = _digests(visit, target.region, target.namespace, lane.repository, tags)
    missing = None in there.values() and not _has_namespace(visit, lane)
    return Observation(here, there, no_organization=missing, no_region=visit.knows_no_region(lane))


def is_temporarily_unreadable(found: Look) -> bool:
    """Tell whether a later look may be answered: not one that we may not take."""
    return isinstance(found, SwrError) and found.kind is not Kind.CONFIGURATION


def read_job_statuses(
    visit: GatewaySession, lane: Lane, called: Sequence[Sync], judge: Decider
) -> Jobs:
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


def _called_after(sync: Sync, judge: Decider) -> datetime:
    """Return a time before the sync's call, as near to it as is known."""
    if judge.is_hidden_too_long(sync):  # verifying_since has moved on with each look in vain
        return sync.created_at
    return sync.verifying_since or sync.updated_at


def _digests(
    visit: GatewaySession, region: str, namespace: str, repository: str, tags: Collection[str]
) -> dict[str, Look]:
    try:
        if len(tags) > MOST_SINGLE_LOOKS:
            found = visit.list_tags(region, namespace, repository, tags)
            return {tag: found.get(tag) for tag in tags}
    except SwrError as exc:
        return dict.fromkeys(tags, exc)
    return {tag: _digest(visit, region, namespace, repository, tag) for tag in tags}


def _digest(visit: GatewaySession, region: str, namespace: str, repository: str, tag: str) -> Look:
    try:
        return visit.show_tag(region, namespace, repository, tag)
    except SwrError as exc:
        return exc


def _has_namespace(visit: GatewaySession, lane: Lane) -> bool:
    try:
        return visit.has_namespace(lane.target.region, lane.target.namespace)
    except SwrError:
        return True  # not known to be missing: the call will tell


Opened = dict[str, set[str | None]]


def select_batch(syncs: Sequence[Sync]) -> Sequence[Sync]:
    """Leave out all but the first of the due syncs that are to be tried alone, or all of them."""
    due = [sync for sync in syncs if sync.state is State.PENDING]
    if not any(sync.alone for sync in due):
        return syncs
    together = [sync for sync in due if not sync.alone] or due[:1]
    return [sync for sync in syncs if sync.state is not State.PENDING or sync in together]


def needs_job_status(
    syncs: Sequence[Sync], sight: Observation, opened: Opened, judge: Decider
) -> list[Sync]:
    """Return the called syncs for which SWR's own jobs may tell what the looks do not."""
    return [
        sync
        for sync in syncs
        if sync.state is State.TRIGGERED
        and _is_unclear(sync, sight.source[sync.tag], sight.target[sync.tag], opened, judge)
    ]


def _is_unclear(sync: Sync, source: Look, target: Look, opened: Opened, judge: Decider) -> bool:
    if is_temporarily_unreadable(source) or is_temporarily_unreadable(target):
        return judge.is_hidden_too_long(sync)
    if isinstance(target, SwrError):
        return True
    if target == _wanted(sync, source):
        return _others_open(sync, source, opened)
    return sync.polls > 0


def close_finished_calls(
    connection: Connection, syncs: Sequence[Sync], sight: Observation, jobs: Jobs, judge: Decider
) -> Opened:
    """Note the calls that can do nothing more, and return what the others may still bring."""
    for sync in syncs:
        target = sight.target[sync.tag]
        if isinstance(target, str):
            close_calls(connection, sync.route, digest=target)
        if sync.tag in jobs.ended:
            close_calls(connection, sync.route)
    since = judge.now - judge.limits.verify.deadline
    return open_digests(connection, [sync.route for sync in syncs], since)


def decide(sync: Sync, sight: Observation, jobs: Jobs, opened: Opened, judge: Decider) -> Decision:
    """Judge a sync by what was seen of its tag."""
    source, target = sight.source[sync.tag], sight.target[sync.tag]
    call_open = _others_open(sync, source, opened)
    if sync.state is State.TRIGGERED:
        job = jobs.states.get(sync.tag)
        return judge.decide_after_observation(sync, source, target, call_open=call_open, job=job)
    if sight.no_region and isinstance(source, str):
        return Decision(Event.REFUSE, error=impossible_region(sync.lane))
    if sight.no_organization and isinstance(source, str):
        return Decision(Event.REFUSE, error=_no_organization(sync.lane))
    return judge.decide_before_call(sync, source, target, call_open=call_open)


def _others_open(sync: Sync, source: Look, opened: Opened) -> bool:
    """Tell whether a call for another digest than the wanted one may still act at the target."""
    ours = {_wanted(sync, source)}
    if isinstance(source, SwrError):
        ours.add(None)  # called without a look, for what the sender announced
    return bool(opened.get(sync.route, set()) - ours)


def _wanted(sync: Sync, source: Look) -> str | None:
    """Return the digest that the target shall hold, as far as it is known."""
    return source if isinstance(source, str) else (sync.called_digest or sync.digest)


def _no_organization(lane: Lane) -> SwrError:
    return SwrError(
        Kind.CONFIGURATION,
        "organization",
        f"{lane.target.region} has no organization {lane.target.namespace} that is ours",
        remedy=f"create the organization {lane.target.namespace} in {lane.target.region}, or name "
        "another one in the rule, then retry the sync",
    )
