"""SWR that takes its time: copies are carried out late, in any order, or never."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime

from swrhook.errors import Kind, SwrError
from swrhook.model import Lane, Target
from swrhook.swr.protocol import SyncJob
from tests.factories import LANE, FakeClock
from tests.worker.harness import FakeSwr, error


class Died(Exception):
    """The process dies during a call."""


@dataclass(slots=True)
class Job:
    """The copy of one tag to a target."""

    lane: Lane
    tag: str
    digest: str
    created_at: datetime
    status: str = "init"


class SlowSwr(FakeSwr):
    """SWR's regions, with jobs that are carried out when a test says so."""

    def __init__(self, clock: FakeClock) -> None:
        super().__init__()
        self.started: list[Job] = []
        self.lists_jobs = True
        self.meanwhile: Callable[[], None] | None = None  # called between observing and claiming
        self.answer: str = "ok"  # to the next call
        self.late: Callable[[Lane], None] = lambda _lane: None
        self.copies = False
        self.rejected: set[tuple[Target, str]] = set()
        self._clock = clock

    def show_tag(self, region: str, namespace: str, repository: str, tag: str) -> str | None:
        digest = super().show_tag(region, namespace, repository, tag)
        self._run_meanwhile(region)
        return digest

    def sync_jobs(self, region: str, namespace: str, repository: str) -> list[SyncJob]:
        del region, namespace, repository
        if not self.lists_jobs:
            raise error(Kind.CONFIGURATION)
        return [
            SyncJob(job.tag, job.status, job.lane.target, job.created_at)
            for job in reversed(self.started)
        ]

    def sync_images(self, lane: Lane, tags: Sequence[str]) -> None:
        self.calls.append((lane, list(tags)))
        answer, self.answer = self.answer, "ok"
        if answer == "late":
            self.late(lane)
        self._start_jobs(lane, tags, answer)
        if answer in ("died", "died after"):
            raise Died
        if answer == "one failed":
            raise error(Kind.PERMANENT, tags[0])
        if answer in ERRORS:
            raise ERRORS[answer]

    def _start_jobs(self, lane: Lane, tags: Sequence[str], answer: str) -> None:
        """Start the jobs that a call starts in spite of its answer."""
        if answer not in WITHOUT_EFFECT:
            for tag in tags[1 if answer == "one failed" else 0 :]:
                self._start(lane, tag)
        if answer in FINAL:
            self.rejected |= {(lane.target, tag) for tag in tags}

    def pending(self) -> list[Job]:
        return [job for job in self.started if job.status == "init"]

    def carry_out(self, job: Job) -> None:
        target = (job.lane.target.region, job.lane.target.namespace, job.lane.repository, job.tag)
        if job.lane.override or target not in self.held:
            self.held[target] = job.digest
        job.status = "success"

    def at_target(self, lane: Lane, tag: str) -> str | None:
        return self.held.get((lane.target.region, lane.target.namespace, lane.repository, tag))

    def at_source(self, tag: str) -> str | None:
        return self.held.get((LANE.source_region, LANE.namespace, LANE.repository, tag))

    def _start(self, lane: Lane, tag: str) -> None:
        digest = self.at_source(tag)
        if digest is not None:
            self.started.append(Job(lane, tag, digest, self._clock.now()))

    def _run_meanwhile(self, region: str) -> None:
        if self.meanwhile is not None and region == LANE.source_region:
            callback, self.meanwhile = self.meanwhile, None
            callback()


ERRORS: dict[str, SwrError] = {
    "throttled": error(Kind.THROTTLED),
    "lost": error(Kind.TRANSIENT),
    "lost after": error(Kind.TRANSIENT),
    "not yet": error(Kind.NOT_YET),
    "unauthenticated": error(Kind.AUTHENTICATION),
    "permanent": error(Kind.PERMANENT),
    "forbidden": error(Kind.CONFIGURATION),
}
# The answers after which a sync is rejected.
FINAL = ("permanent", "forbidden")
WITHOUT_EFFECT = (*(ERRORS.keys() - {"lost after"}), "died")
ANSWERS = [*ERRORS, "one failed", "died", "died after", "late"]
