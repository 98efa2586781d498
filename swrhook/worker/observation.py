"""Reads what source and target hold of a lane's tags, and what follows for each sync."""

from collections.abc import Collection, Mapping, Sequence
from collections.abc import Set as AbstractSet
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from swrhook.errors import Kind, SwrError
from swrhook.ledger.lane_session import LaneTransaction, OpenDigests
from swrhook.model import Lane, State, Sync, Target
from swrhook.swr.protocol import SyncJob
from swrhook.syncs.decisions import Decider, Decision, DigestLookup
from swrhook.syncs.evidence import NO_EVIDENCE, Evidence
from swrhook.syncs.observations import Place, TagObservation
from swrhook.syncs.states import Event
from swrhook.wording.message import say
from swrhook.worker.gateway import GatewaySession
from swrhook.worker.tag_lookup import MAX_SINGLE_READS, look_up
from swrhook.worker.target_cache import impossible_region

# How far SWR's clock may be behind ours: an older job belongs to an earlier call.
CLOCK_SKEW = timedelta(seconds=5)
# The states in which SWR does nothing more for a job (its ShowSyncJob).
ENDED_STATUSES = frozenset({"success", "failed", "timeout", "cancel", "existed"})


@dataclass(frozen=True, slots=True)
class Observation:
    """What source and target hold, by tag, and whether the target can exist at all.

    `began_at` is when the first request began: what was read was there at that time or later.
    """

    began_at: datetime
    source: Mapping[str, DigestLookup]
    target: Mapping[str, DigestLookup]
    organization_missing: bool = False
    region_impossible: bool = False

    def is_in_sync(self, tag: str) -> bool:
        """Return whether the target holds the source's digest."""
        return self.target[tag] is not None and self.source[tag] == self.target[tag]


@dataclass(frozen=True, slots=True)
class JobStatuses:
    """SWR's own jobs: the latest one by tag, and the tags by whether all or some have ended."""

    latest: Mapping[str, SyncJob] = field(default_factory=dict)
    ended: AbstractSet[str] = frozenset()
    running: AbstractSet[str] = frozenset()

    def evidence(self, tag: str) -> Evidence:
        """Return what the latest job says about a tag."""
        job = self.latest.get(tag)
        return NO_EVIDENCE if job is None else Evidence(job.status, job.updated_at)


def observe(
    session: GatewaySession, lane: Lane, tags: Collection[str], began_at: datetime
) -> Observation:
    """Read the lane's tags in both regions; an error of a region is part of the result.

    If no tag of the source can be read now, the target is not read: no decision would need it.
    """
    source = look_up(session, lane.source_region, lane.namespace, lane.repository, tags)
    if source and all(is_temporarily_unreadable(lookup) for lookup in source.values()):
        return Observation(began_at, source, source)
    region, namespace = lane.target.region, lane.target.namespace
    target = look_up(session, region, namespace, lane.repository, tags)
    missing = None in target.values() and not session.has_namespace(lane.target)
    return Observation(
        began_at,
        source,
        target,
        organization_missing=missing,
        region_impossible=session.is_impossible(lane),
    )


def tag_observations(
    lane: Lane, syncs: Sequence[Sync], observation: Observation
) -> list[TagObservation]:
    """Return what was read of the lane's tags at both places, to be kept."""
    none: dict[tuple[str, str | None], str] = {}
    origin = Target(lane.source_region, lane.namespace)
    copied = {
        (sync.tag, sync.called_digest): sync.id for sync in syncs if sync.state is State.TRIGGERED
    }
    sides = (
        (lane.source_region, lane.namespace, observation.source, none, None),
        (lane.target.region, lane.target.namespace, observation.target, copied, origin),
    )
    # That a tag is not in a list proves little: others may have been deleted between two pages.
    is_listed = len(observation.source) > MAX_SINGLE_READS
    return [
        TagObservation(
            Place(region, namespace, lane.repository, tag),
            digest,
            observation.began_at,
            copies.get((tag, digest)),
            source,
        )
        for region, namespace, digests, copies, source in sides
        for tag, digest in digests.items()
        if isinstance(digest, str) or (digest is None and not is_listed)
    ]


def is_temporarily_unreadable(lookup: DigestLookup) -> bool:
    """Return whether a region could not be read, but may be readable later."""
    return isinstance(lookup, SwrError) and lookup.kind is not Kind.CONFIGURATION


def read_job_statuses(
    session: GatewaySession, lane: Lane, syncs: Sequence[Sync], decider: Decider
) -> JobStatuses:
    """Return what SWR says about its jobs for the calls of these syncs."""
    try:
        jobs = session.sync_jobs(lane.source_region, lane.namespace, lane.repository)
    except SwrError:
        return JobStatuses()  # optional: the digest at the target decides
    called_at = {sync.tag: _earliest_call(sync, decider) for sync in syncs}
    latest: dict[str, SyncJob] = {}
    running: set[str] = set()
    for job in jobs:
        if job.tag not in called_at or job.target != lane.target or job.created_at is None:
            continue
        if job.status not in ENDED_STATUSES:
            running.add(job.tag)
        if job.created_at >= called_at[job.tag] - CLOCK_SKEW:
            latest.setdefault(job.tag, job)  # jobs come newest first
    return JobStatuses(latest, frozenset(latest.keys() - running), frozenset(running))


def _earliest_call(sync: Sync, decider: Decider) -> datetime:
    """Return the latest time known to be before the sync's call."""
    # `verifying_since` moves on with each failed read, so that it may be later than the call.
    if decider.is_unreadable_too_long(sync):
        return sync.created_at
    return sync.verifying_since or sync.updated_at


def select_batch(syncs: Sequence[Sync]) -> Sequence[Sync]:
    """Leave out the pending syncs that have to be tried alone; keep the first if all have to."""
    pending = [sync for sync in syncs if sync.state is State.PENDING]
    if not any(sync.alone for sync in pending):
        return syncs
    batch = [sync for sync in pending if not sync.alone] or pending[:1]
    return [sync for sync in syncs if sync.state is not State.PENDING or sync in batch]


def needs_job_status(
    syncs: Sequence[Sync], observation: Observation, open_calls: OpenDigests, decider: Decider
) -> list[Sync]:
    """Return the triggered syncs whose digests do not decide, but SWR's own jobs may."""
    return [
        sync
        for sync in syncs
        if sync.state is State.TRIGGERED and _is_unclear(sync, observation, open_calls, decider)
    ]


def _is_unclear(
    sync: Sync, observation: Observation, open_calls: OpenDigests, decider: Decider
) -> bool:
    source, target = observation.source[sync.tag], observation.target[sync.tag]
    if is_temporarily_unreadable(source) or is_temporarily_unreadable(target):
        return decider.is_unreadable_too_long(sync)
    if isinstance(target, SwrError):
        return True
    if target == _desired_digest(sync, source):
        return _has_other_calls(sync, source, open_calls)
    return sync.polls > 0  # most copies are quick: the first read does without the job's status


def close_finished_calls(
    transaction: LaneTransaction,
    syncs: Sequence[Sync],
    observation: Observation,
    jobs: JobStatuses,
    decider: Decider,
) -> OpenDigests:
    """Close the calls that can copy nothing more; return what the open ones may still copy."""
    for sync in syncs:
        target = observation.target[sync.tag]
        if isinstance(target, str):
            transaction.close_calls(sync.route, digest=target)
        if sync.tag in jobs.ended:
            transaction.close_calls(sync.route)
    # After verify's deadline a call is no longer expected to act, unless SWR's job still runs.
    verify = decider.limits.verify
    routes = {sync.route: sync.tag in jobs.running for sync in syncs}
    running = [route for route, is_running in routes.items() if is_running]
    digests = transaction.open_digests(list(routes), decider.now - verify.deadline)
    if running:
        digests |= transaction.open_digests(running, decider.now - verify.longest)
    return digests


def decide(
    sync: Sync,
    observation: Observation,
    evidence: Evidence,
    open_calls: OpenDigests,
    decider: Decider,
) -> Decision:
    """Decide about a sync by what was read of its tag."""
    source, target = observation.source[sync.tag], observation.target[sync.tag]
    call_open = _has_other_calls(sync, source, open_calls)
    if sync.state is State.TRIGGERED:
        return decider.decide_after_observation(
            sync, source, target, call_open=call_open, evidence=evidence
        )
    # A tag that is not at the source yet keeps waiting: the target may be created meanwhile.
    if observation.region_impossible and isinstance(source, str):
        return Decision(Event.REJECT_BEFORE_CALL, error=impossible_region(sync.lane))
    if observation.organization_missing and isinstance(source, str):
        return Decision(Event.REJECT_BEFORE_CALL, error=_missing_organization(sync.lane))
    return decider.decide_before_call(sync, source, target, call_open=call_open)


def _has_other_calls(sync: Sync, source: DigestLookup, open_calls: OpenDigests) -> bool:
    """Return whether a call for another digest than the desired one may still copy."""
    own = {_desired_digest(sync, source)}
    if isinstance(source, SwrError):
        own.add(None)  # its own call was made without reading the source
    return bool(open_calls.get(sync.route, set()) - own)


def _desired_digest(sync: Sync, source: DigestLookup) -> str | None:
    """Return the digest that the target should hold, as far as it is known."""
    return source if isinstance(source, str) else (sync.called_digest or sync.digest)


def _missing_organization(lane: Lane) -> SwrError:
    return SwrError(
        Kind.CONFIGURATION,
        "organization",
        say(
            "%(region)s has no organization %(namespace)s that is ours",
            region=lane.target.region,
            namespace=lane.target.namespace,
        ),
        remedy=say(
            "create the organization %(namespace)s in %(region)s, or name another one in the"
            " rule, then retry the sync",
            namespace=lane.target.namespace,
            region=lane.target.region,
        ),
    )
