"""The whole state of a simulator, in one object that HTTP, tests and scenarios share."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from threading import RLock
from types import MappingProxyType
from typing import TypeAlias

from swrhook.clock import Clock
from swrhook.simulator import model
from swrhook.simulator.accounts import Accounts
from swrhook.simulator.calls import CallLog
from swrhook.simulator.faults import FaultTable
from swrhook.simulator.jobs import Image, Jobs, SyncRules
from swrhook.simulator.mirror import MirroredTags, MirrorUnavailable
from swrhook.simulator.recorded_answers import RecordedAnswers
from swrhook.simulator.retention import Retention
from swrhook.simulator.tagstore import Listing, StoredTags, Window

TagStore: TypeAlias = StoredTags | MirroredTags
_NO_FAULT = model.Fault()


class ReadOnlyRegion(Exception):
    """The region mirrors a registry; push to that registry instead."""


class State:
    """The accounts, regions, jobs, faults and calls of a simulator. It is thread-safe.

    No thread works in the background. Before a region is read or changed, the sync jobs that are
    due by the clock run, in the order of their due times, and then the rules of retention.
    """

    def __init__(self, setup: model.Setup, clock: Clock) -> None:
        self.clock = clock
        self.regions = tuple(setup.regions)
        self.users = tuple(setup.users)
        self._setup = setup
        self._lock = RLock()
        self._mirrors = {name: MirroredTags(url, clock) for name, url in setup.mirror.items()}
        self.reset()

    def reset(self) -> None:
        """Restore the initial state; tokens, calls, jobs and faults are removed."""
        scenario = self._setup.scenario
        with self._lock:
            self._jobs = Jobs(self._lock)
            self._stores: dict[str, TagStore] = {
                name: self._mirrors.get(name) or StoredTags(name, self._lock)
                for name in self.regions
            }
        self.settings = replace(self._setup.settings, **scenario.settings)
        self.accounts = Accounts(self.users, self.clock, self)
        self.faults = FaultTable(self)
        self.call_log = CallLog()
        self.rules = SyncRules()
        self.retention = Retention(self.clock, scenario.retention)
        self.recorded = RecordedAnswers(self._setup.recorded)
        for organization in scenario.organizations:
            self.create_organization(organization.region, organization.namespace)
        for tag in scenario.tags:
            self.push(tag)
        self.faults.add(scenario.faults)

    def store(self, region: str) -> TagStore:
        """Return a region's tags as they are now."""
        self._run_due_jobs()
        self.retention.apply(self._stores)
        return self._stores[region]

    def seed(
        self, region: str, namespace: str, repository: str, tag: str, digest: str | None = None
    ) -> model.Tag:
        """Push a tag as a docker client does; create the organization if it is missing."""
        return self.push(model.SeedTag(region, namespace, repository, tag, digest or ""))

    def push(self, seed: model.SeedTag) -> model.Tag:
        """Push a tag. Raises ReadOnlyRegion if the region mirrors a registry."""
        store = self.writable(seed.region)
        store.add_organization(seed.namespace)
        return store.put(seed, at=self.clock.now())

    def remove(self, region: str, tag: model.Tag) -> None:
        """Delete a tag from a region."""
        self.writable(region).remove(tag)

    def writable(self, region: str) -> StoredTags:
        """Return a region's tags to change them. Raises ReadOnlyRegion if it mirrors a registry."""
        store = self.store(region)
        if not isinstance(store, StoredTags):
            raise ReadOnlyRegion(f"{region} mirrors a registry: push to that registry instead")
        return store

    def create_organization(self, region: str, namespace: str) -> bool:
        """Create an organization in a region, or in all of them; return False if it exists."""
        names = self.regions if region == model.EVERYWHERE else (region,)
        stores = [self._stores[name] for name in names]
        new = [s.add_organization(namespace) for s in stores if isinstance(s, StoredTags)]
        return any(new)

    def digest(self, region: str, namespace: str, repository: str, tag: str) -> str | None:
        """Return the digest of a tag in a region now, None if the tag does not exist."""
        stored = self.store(region).tag(namespace, repository, tag)
        return stored.digest if stored else None

    def sync(
        self,
        source: Image,
        tags: Sequence[str],
        target: model.Target,
        faults: Mapping[str, model.Fault] = MappingProxyType({}),
    ) -> None:
        """Accept tags for synchronization; each is read and copied after the delay."""
        now, delay = self.clock.now(), self.settings.delay
        with self._lock:
            for tag in tags:
                fault = faults.get(tag, _NO_FAULT)
                due = now + timedelta(seconds=delay + fault.job_delay)
                self._jobs.add(source, tag, target, fault, at=now, due=due)

    def jobs(self) -> Sequence[model.SyncJob]:
        """List the sync jobs as they are now."""
        self._run_due_jobs()
        return self._jobs.all()

    def job_page(
        self, source: Image, window: Window, *, descending: bool
    ) -> Listing[model.SyncJob]:
        """List a part of the sync jobs of a source repository that are not hidden."""
        self._run_due_jobs()
        return self._jobs.page(source, window, descending=descending)

    def calls(
        self, *, region: str = "", operation: str = "", path: str = ""
    ) -> Sequence[model.Call]:
        """List the calls received, oldest first; `path` is a part of the path."""
        return self.call_log.find(region=region, operation=operation, path=path)

    def configure(self, settings: model.Settings) -> None:
        """Replace the settings."""
        self.settings = settings

    def close(self) -> None:
        """Close the connections to mirrored registries."""
        for mirror in self._mirrors.values():
            mirror.close()

    def _run_due_jobs(self) -> None:
        now = self.clock.now()
        remote: list[model.SyncJob] = []
        with self._lock:
            while (job := self._jobs.take_due(now)) is not None:
                if self._mirrors.keys() & {job.region, job.target.region}:
                    remote.append(job)
                else:
                    self._run(job, at=job.due)
        # Outside the lock, since a registry may be slow.
        for job in remote:
            self._run(job, at=now)

    def _run(self, job: model.SyncJob, *, at: datetime) -> None:
        if job.outcome == "never":
            return
        try:
            status = job.outcome or self._copy(job, at)
        except MirrorUnavailable:
            status = "failed"
        self._jobs.finish(job, status, at=at)

    def _copy(self, job: model.SyncJob, at: datetime) -> model.Status:
        source, target = self._stores[job.region], self._stores[job.target.region]
        namespace, repository = job.target.namespace, job.repository
        original = source.tag(job.namespace, repository, job.tag)
        if original is None or not target.has_organization(namespace):
            return "failed"
        present = target.tag(namespace, repository, job.tag)
        if present is not None and present.content == original.content:
            return "success"
        if present is not None and not job.target.override:
            return "existed"
        if not isinstance(target, StoredTags):
            return "failed"
        is_rewritten = original.index and self.settings.rewrite_indexes
        digest = _rewritten(original.digest) if is_rewritten else original.digest
        copy = model.SeedTag(
            job.target.region, namespace, repository, job.tag, digest, original.index
        )
        target.put(copy, at=at, content=original.content)
        return "success"


def _rewritten(digest: str) -> str:
    """Return the digest of an index after SWR has written it anew, always the same one."""
    return f"sha256:{hashlib.sha256(digest.encode()).hexdigest()}"
