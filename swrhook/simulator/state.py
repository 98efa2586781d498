"""All that the simulator knows, behind one object that HTTP, tests and scenarios share."""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from threading import RLock

from swrhook.simulator.accounts import Accounts
from swrhook.simulator.calls import CallLog
from swrhook.simulator.faults import FaultTable
from swrhook.simulator.jobs import NO_FATES, Image, JobOutcome, Jobs, Order, Part, Window
from swrhook.simulator.mirror import MirroredTags, MirrorUnavailable
from swrhook.simulator.model import (
    EVERYWHERE,
    Call,
    Content,
    Scenario,
    SeedTag,
    Settings,
    Setup,
    Status,
    SyncJob,
    Tag,
    Target,
)
from swrhook.simulator.sync_rules import SyncRules
from swrhook.simulator.tagstore import StoredTags, TagStore


class ReadOnlyRegion(Exception):
    """The region mirrors a registry: push to that registry instead."""


def utc_now() -> datetime:
    """Read the clock of the machine."""
    return datetime.now(UTC)


class State:
    """The account, the regions and what has happened. Every method may be called by any thread.

    No thread works in the background: whoever looks at a region, or changes one, first lets the
    sync jobs run that are due by the clock, in their order.
    """

    def __init__(self, setup: Setup, clock: Callable[[], datetime] = utc_now) -> None:
        self.clock = clock
        self.regions = tuple(setup.regions)
        self.users = tuple(setup.users)
        self.settings = setup.settings
        self._setup = setup
        self._lock = RLock()
        self.accounts = Accounts(setup.users, clock=clock, settings=lambda: self.settings)
        self.faults = FaultTable(lambda: self.settings.seed)
        self.call_log = CallLog()
        self.rules = SyncRules()
        self._jobs = Jobs(self._lock)
        self._stores = {region: self._new_store(region) for region in self.regions}
        self._apply(setup.scenario)

    def store(self, region: str) -> TagStore:
        """Give a region's tags as they are now."""
        self._run_due_jobs()
        return self._stores[region]

    def seed(
        self, region: str, namespace: str, repository: str, tag: str, digest: str | None = None
    ) -> Tag:
        """Push a tag as a docker client would; the organization is created where it lacks."""
        return self.push(SeedTag(region, namespace, repository, tag, digest))

    def push(self, seed: SeedTag) -> Tag:
        """Push a tag, be it an index."""
        store = self._writable(seed.region)
        store.add_organization(seed.namespace)
        content = Content(seed.digest, index=seed.index)
        return store.put(seed.namespace, seed.repository, seed.tag, content, at=self.clock())

    def remove(self, region: str, tag: Tag) -> None:
        """Delete a tag from a region."""
        self._writable(region).remove(tag)

    def create_organization(self, region: str, namespace: str) -> bool:
        """Create an organization in a region, or in all of them; tell whether it is new."""
        names = self.regions if region == EVERYWHERE else (region,)
        stores = [self._stores[name] for name in names]
        new = [s.add_organization(namespace) for s in stores if isinstance(s, StoredTags)]
        return any(new)

    def digest(self, region: str, namespace: str, repository: str, tag: str) -> str | None:
        """Tell the digest that a tag has in a region now, None when there is no such tag."""
        found = self.store(region).tag(namespace, repository, tag)
        return found.digest if found else None

    def sync(
        self,
        source: Image,
        tags: Sequence[str],
        target: Target,
        fates: Mapping[str, JobOutcome] = NO_FATES,
    ) -> None:
        """Accept tags for synchronization; each is read and copied when the delay has passed."""
        order = Order(source, target, created=self.clock(), delay=self.settings.delay)
        self._jobs.add(order, tags, fates)

    def jobs(self, source: Image | None = None) -> Sequence[SyncJob]:
        """List the sync jobs, or those of one source repository, as they are now."""
        self._run_due_jobs()
        return self._jobs.all() if source is None else self._jobs.of(source)

    def window(self, source: Image, window: Window, *, descending: bool) -> Part:
        """List some of the sync jobs of a source repository that are not hidden."""
        self._run_due_jobs()
        return self._jobs.window(source, window, descending=descending)

    def calls(self, *, region: str = "", operation: str = "", path: str = "") -> Sequence[Call]:
        """List the calls received, oldest first; `path` is a part of the path."""
        return self.call_log.find(region=region, operation=operation, path=path)

    def configure(self, settings: Settings) -> None:
        """Behave differently from now on."""
        self.settings = settings

    def reset(self) -> None:
        """Be again as after the start; tokens, calls, jobs and faults are forgotten."""
        with self._lock:
            self._jobs.clear()
            for store in self._stores.values():
                if isinstance(store, StoredTags):
                    store.clear()
        self.rules.clear()
        self.faults.clear()
        self.accounts.clear()
        self.call_log.clear()
        self.settings = self._setup.settings
        self._apply(self._setup.scenario)

    def close(self) -> None:
        """Close the connections to mirrored registries."""
        for store in self._stores.values():
            if isinstance(store, MirroredTags):
                store.close()

    def _new_store(self, region: str) -> TagStore:
        if region in self._setup.mirror:
            return MirroredTags(self._setup.mirror[region], self.clock)
        return StoredTags(region, self._lock)

    def _apply(self, scenario: Scenario) -> None:
        self.settings = replace(self.settings, **scenario.settings)
        for organization in scenario.organizations:
            self.create_organization(organization.region, organization.namespace)
        for tag in scenario.tags:
            self.push(tag)
        self.faults.add(scenario.faults)

    def _writable(self, region: str) -> StoredTags:
        store = self.store(region)
        if not isinstance(store, StoredTags):
            raise ReadOnlyRegion(region)
        return store

    def _run_due_jobs(self) -> None:
        now = self.clock()
        remote: list[SyncJob] = []
        with self._lock:
            while (job := self._jobs.take_due(now)) is not None:
                if self._touches_mirror(job):
                    remote.append(job)
                else:
                    self._run(job, at=job.due)
        # A registry may be slow; nobody else waits for it.
        for job in remote:
            self._run(job, at=now)

    def _touches_mirror(self, job: SyncJob) -> bool:
        stores = (self._stores[job.region], self._stores[job.target.region])
        return any(isinstance(store, MirroredTags) for store in stores)

    def _run(self, job: SyncJob, *, at: datetime) -> None:
        if job.outcome == "never":
            return
        try:
            status = job.outcome or self._copy(job, at)
        except MirrorUnavailable:
            status = "failed"
        self._jobs.finish(job, status, at=at)

    def _copy(self, job: SyncJob, at: datetime) -> Status:
        source, target = self._stores[job.region], self._stores[job.target.region]
        namespace, repository = job.target.namespace, job.repository
        wanted = source.tag(job.namespace, repository, job.tag)
        if wanted is None or not target.has_organization(namespace):
            return "failed"
        present = target.tag(namespace, repository, job.tag)
        if present is not None and present.digest == wanted.digest:
            return "success"
        if present is not None and not job.target.override:
            return "existed"
        if not isinstance(target, StoredTags):
            return "failed"
        content = Content(wanted.digest, index=wanted.index)
        target.put(namespace, repository, job.tag, content, at=at)
        return "success"
