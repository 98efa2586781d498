"""The sync jobs of all regions. Nothing runs them but the reading of what they change."""

import heapq
import itertools
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import RLock
from types import MappingProxyType

from swrhook.simulator.model import Outcome, Shown, Status, SyncJob, Target


@dataclass(frozen=True, slots=True)
class Image:
    """A repository of a region."""

    region: str
    namespace: str
    repository: str


@dataclass(frozen=True, slots=True)
class Order:
    """What a call of sync_images orders for each of its tags; `delay` is in seconds."""

    source: Image
    target: Target
    created: datetime
    delay: float


@dataclass(frozen=True, slots=True)
class JobOutcome:
    """What a fault does to a job: another end, another answer about it, a longer way."""

    outcome: Outcome | None = None
    shown: Shown | None = None
    delay: float = 0.0


_GOOD = JobOutcome()
NO_FATES: Mapping[str, JobOutcome] = MappingProxyType({})


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a listing that is asked for."""

    offset: int
    limit: int


@dataclass(frozen=True, slots=True)
class Part:
    """A part of the jobs of a repository, and how many there are in all."""

    jobs: Sequence[SyncJob]
    total: int


class Jobs:
    """Jobs in the order they are due, under the lock of the tags that they read and write."""

    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._ids = itertools.count(1)
        self._jobs: dict[int, SyncJob] = {}
        self._of: defaultdict[Image, list[int]] = defaultdict(list)
        self._due: list[tuple[datetime, int]] = []

    def add(self, order: Order, tags: Sequence[str], fates: Mapping[str, JobOutcome]) -> None:
        """Queue one job for each tag; a tag without a fate fares as it should."""
        with self._lock:
            for tag in tags:
                self._add(order, tag, fates.get(tag, _GOOD))

    def take_due(self, now: datetime) -> SyncJob | None:
        """Take the job that is due first; who takes it must finish it."""
        with self._lock:
            if not self._due or self._due[0][0] > now:
                return None
            _, job_id = heapq.heappop(self._due)
            return self._change(job_id, "running", now)

    def finish(self, job: SyncJob, status: Status, *, at: datetime) -> None:
        """Record how a job ended; one that a reset has removed is let go."""
        with self._lock:
            if self._jobs.get(job.id) is job:
                self._change(job.id, status, at)

    def of(self, source: Image) -> Sequence[SyncJob]:
        """List the jobs of a source repository that are not hidden, oldest first."""
        with self._lock:
            return [self._jobs[job_id] for job_id in self._of.get(source, ())]

    def window(self, source: Image, window: Window, *, descending: bool) -> Part:
        """List some of these jobs, from the oldest or from the newest on."""
        with self._lock:
            ids = self._of.get(source, [])
            ordered = reversed(ids) if descending else iter(ids)
            wanted = itertools.islice(ordered, window.offset, window.offset + window.limit)
            return Part([self._jobs[job_id] for job_id in wanted], len(ids))

    def all(self) -> Sequence[SyncJob]:
        """List all jobs, oldest first."""
        with self._lock:
            return list(self._jobs.values())

    def clear(self) -> None:
        """Forget all jobs, done or not."""
        with self._lock:
            self._ids = itertools.count(1)
            self._jobs.clear()
            self._of.clear()
            self._due.clear()

    def _add(self, order: Order, tag: str, fate: JobOutcome) -> None:
        source = order.source
        job = SyncJob(
            id=next(self._ids),
            region=source.region,
            namespace=source.namespace,
            repository=source.repository,
            tag=tag,
            target=order.target,
            status="waiting",
            created=order.created,
            updated=order.created,
            due=order.created + timedelta(seconds=order.delay + fate.delay),
            outcome=fate.outcome,
            shown=fate.shown,
        )
        self._jobs[job.id] = job
        if fate.shown != "hidden":
            self._of[source].append(job.id)
        heapq.heappush(self._due, (job.due, job.id))

    def _change(self, job_id: int, status: Status, at: datetime) -> SyncJob:
        job = replace(self._jobs[job_id], status=status, updated=at)
        self._jobs[job_id] = job
        return job
