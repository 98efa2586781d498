"""Sync jobs and automatic synchronization rules of all regions.

No thread runs the jobs: `State` runs those that are due before it reads or changes anything.
"""

import heapq
import itertools
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from threading import Lock, RLock

from swrhook.simulator.model import Fault, Status, SyncJob, SyncRule, Target
from swrhook.simulator.tagstore import Listing, Window


@dataclass(frozen=True, slots=True)
class Image:
    """A repository of a region."""

    region: str
    namespace: str
    repository: str


class Jobs:
    """Sync jobs in the order they are due, under the lock of the tags that they read and write."""

    def __init__(self, lock: RLock) -> None:
        self._lock = lock
        self._ids = itertools.count(1)
        self._jobs: dict[int, SyncJob] = {}
        self._listed: defaultdict[Image, list[int]] = defaultdict(list)
        self._due: list[tuple[datetime, int]] = []

    def add(
        self, source: Image, tag: str, target: Target, fault: Fault, *, at: datetime, due: datetime
    ) -> None:
        """Queue the job of a tag."""
        with self._lock:
            job = SyncJob(
                id=next(self._ids),
                region=source.region,
                namespace=source.namespace,
                repository=source.repository,
                tag=tag,
                target=target,
                status="waiting",
                created=at,
                updated=at,
                due=due,
                outcome=fault.job,
                shown=fault.job_shown,
            )
            self._jobs[job.id] = job
            if job.shown != "hidden":
                self._listed[source].append(job.id)
            heapq.heappush(self._due, (due, job.id))

    def take_due(self, now: datetime) -> SyncJob | None:
        """Remove the job that is due first from the queue; the caller must finish it."""
        with self._lock:
            if not self._due or self._due[0][0] > now:
                return None
            _, job_id = heapq.heappop(self._due)
            return self._change(job_id, "running", now)

    def finish(self, job: SyncJob, status: Status, *, at: datetime) -> None:
        """Record how a job ended, unless a reset has removed it meanwhile."""
        with self._lock:
            if self._jobs.get(job.id) is job:
                self._change(job.id, status, at)

    def page(self, source: Image, window: Window, *, descending: bool) -> Listing[SyncJob]:
        """List a part of a source repository's jobs that are not hidden, by age."""
        with self._lock:
            ids = self._listed.get(source, [])
            ordered = reversed(ids) if descending else iter(ids)
            return Listing([self._jobs[job_id] for job_id in window.select(ordered)], len(ids))

    def all(self) -> Sequence[SyncJob]:
        """List all jobs, oldest first."""
        with self._lock:
            return list(self._jobs.values())

    def _change(self, job_id: int, status: Status, at: datetime) -> SyncJob:
        job = replace(self._jobs[job_id], status=status, updated=at)
        self._jobs[job_id] = job
        return job


class SyncRules:
    """Automatic synchronization rules, at most one for a repository and a target."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._ids = itertools.count(1)
        self._rules: dict[tuple[Image, str, str], SyncRule] = {}

    def add(self, source: Image, target: Target, *, auto: bool, at: datetime) -> bool:
        """Add a rule; return False if there is one for this target already."""
        key = (source, target.region, target.namespace)
        with self._lock:
            if key in self._rules:
                return False
            self._rules[key] = SyncRule(next(self._ids), target, auto=auto, created=at)
            return True

    def remove(self, source: Image, target: Target) -> bool:
        """Remove the rule for a target; return False if there is none."""
        with self._lock:
            return self._rules.pop((source, target.region, target.namespace), None) is not None

    def of(self, source: Image) -> Sequence[SyncRule]:
        """List the rules of a repository."""
        with self._lock:
            return [rule for (image, _, _), rule in self._rules.items() if image == source]
