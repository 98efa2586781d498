"""The sync jobs of all regions. Nothing runs them but the reading of what they change."""

import heapq
import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from threading import RLock

from swrhook.simulator.values import Status, SyncJob, Target


@dataclass(frozen=True, slots=True)
class Image:
    """A repository of a region."""

    region: str
    namespace: str
    repository: str


class Jobs:
    """Jobs in the order they are due, under the lock of the tags that they read and write."""

    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._ids = itertools.count(1)
        self._jobs: dict[int, SyncJob] = {}
        self._of: defaultdict[Image, list[int]] = defaultdict(list)
        self._due: list[tuple[datetime, int]] = []

    def add(
        self, source: Image, tags: Sequence[str], target: Target, *, now: datetime, delay: float
    ) -> Sequence[SyncJob]:
        """Queue one job for each tag."""
        with self._lock:
            due = now + timedelta(seconds=delay)
            return [self._add(source, tag, target, now, due) for tag in tags]

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
        """List the jobs of a source repository, oldest first."""
        with self._lock:
            return [self._jobs[job_id] for job_id in self._of.get(source, ())]

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

    def _add(
        self, source: Image, tag: str, target: Target, now: datetime, due: datetime
    ) -> SyncJob:
        job = SyncJob(
            id=next(self._ids),
            region=source.region,
            namespace=source.namespace,
            repository=source.repository,
            tag=tag,
            target=target,
            status="waiting",
            created=now,
            updated=now,
            due=due,
        )
        self._jobs[job.id] = job
        self._of[source].append(job.id)
        heapq.heappush(self._due, (due, job.id))
        return job

    def _change(self, job_id: int, status: Status, at: datetime) -> SyncJob:
        job = replace(self._jobs[job_id], status=status, updated=at)
        self._jobs[job_id] = job
        return job
