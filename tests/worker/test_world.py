"""A whole world of pushes, moving tags, failures, crashes and late workers, in any order.

SWR's part is modelled: a call starts jobs, each bound to the digest that its source held, which are
carried out late, in any order, or never. However it goes, in the end every sync has ended, and the
target holds what the source does.
"""

import itertools
import shutil
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from pathlib import Path
from typing import ClassVar

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    initialize,
    precondition,
    rule,
    run_state_machine_as_test,
)

from swrhook import logs
from swrhook.errors import Kind, SwrError
from swrhook.ledger.database import Database, open_database
from swrhook.ledger.waking import forget_wakes, unfinished_lanes
from swrhook.model import END_STATES, Lane, State, Sync
from swrhook.retry import Backoff, Retry, Verify
from swrhook.swr.protocol import SyncJob
from swrhook.verdict import Verdict
from swrhook.worker.lane import LaneRunner
from tests.ledger.parts import (
    LANE,
    OTHER_TARGET,
    SECOND,
    A,
    B,
    all_syncs,
    push,
    write,
)
from tests.ledger.parts import entry as accepted
from tests.worker.parts import FakeSwr, Works, config, error

TAGS = ("v1", "v2")
# The rules want every tag at one target as it is, and at the other at any price.
LANES = (LANE, replace(LANE, target=OTHER_TARGET, override=True))
NEVER = timedelta(days=1000)
OPTIONS = {
    "retry": Retry(Backoff(SECOND, 10 * SECOND), NEVER),
    "verify": Verify(retriggers=10_000),
    "source_deadline": NEVER,
    "batch": 2,
}
# SWR carries a job out, or fails it, long before verify's deadline.
LONGEST_JOB = timedelta(minutes=10)


class Died(Exception):
    """The process ends in the middle of a call."""


@dataclass(slots=True)
class Job:
    """One tag on its way to a target."""

    lane: Lane
    tag: str
    digest: str
    created_at: datetime
    status: str = "init"


class World(FakeSwr):
    """SWR's regions, with jobs that take their time."""

    def __init__(self, now: Callable[[], datetime]) -> None:
        super().__init__()
        self.started: list[Job] = []
        self.tells_jobs = True
        self.meanwhile: Callable[[], None] | None = None  # happens between look and claim
        self.answer: str = "ok"  # to the next call
        self.late: Callable[[Lane], None] = lambda _lane: None
        self.copies = False
        self._now = now

    def show_tag(self, region: str, namespace: str, repository: str, tag: str) -> str | None:
        found = super().show_tag(region, namespace, repository, tag)
        self._happen(region)
        return found

    def sync_jobs(self, region: str, namespace: str, repository: str) -> list[SyncJob]:
        del region, namespace, repository
        if not self.tells_jobs:
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
        for tag in tags:
            if answer not in ("throttled", "lost", "died", "not yet") and not (
                answer == "one failed" and tag == tags[0]
            ):
                self._start(lane, tag)
        if answer in ("died", "died after"):
            raise Died
        if answer == "one failed":
            raise error(Kind.PERMANENT, tags[0])
        if answer in ERRORS:
            raise ERRORS[answer]

    def pending(self) -> list[Job]:
        return [job for job in self.started if job.status == "init"]

    def carry_out(self, job: Job) -> None:
        there = (job.lane.target.region, job.lane.target.namespace, job.lane.repository, job.tag)
        if job.lane.override or there not in self.held:
            self.held[there] = job.digest
        job.status = "success"

    def at(self, lane: Lane, tag: str) -> str | None:
        return self.held.get((lane.target.region, lane.target.namespace, lane.repository, tag))

    def here(self, tag: str) -> str | None:
        return self.held.get((LANE.source_region, LANE.namespace, LANE.repository, tag))

    def _start(self, lane: Lane, tag: str) -> None:
        digest = self.here(tag)
        if digest is not None:
            self.started.append(Job(lane, tag, digest, self._now()))

    def _happen(self, region: str) -> None:
        if self.meanwhile is not None and region == LANE.source_region:
            happening, self.meanwhile = self.meanwhile, None
            happening()


ERRORS: dict[str, SwrError] = {
    "throttled": error(Kind.THROTTLED),
    "lost": error(Kind.TRANSIENT),
    "lost after": error(Kind.TRANSIENT),
    "not yet": error(Kind.NOT_YET),
}
ANSWERS = [*ERRORS, "one failed", "died", "died after", "late"]

# Most of what can go wrong needs one tag and two digests.
tags = st.sampled_from(["v1", "v1", "v1", "v2"])
digests = st.sampled_from([A, B])
pauses = st.sampled_from([0, 0, 1, 2, 5, 120])


class Machine(RuleBasedStateMachine):
    """The service's core with an engine that runs only what it was told to run."""

    empty_ledger: ClassVar[Path]
    folders: ClassVar[Iterator[Path]]

    def __init__(self) -> None:
        super().__init__()
        folder = next(self.folders)
        folder.mkdir()
        shutil.copy(self.empty_ledger, folder / "ledger.db")
        self.works = Works(open_database(f"sqlite:///{folder}/ledger.db"))
        self.works.config = config(**OPTIONS)
        self.clock = self.works.clock
        self.swr = World(self.clock)
        self.swr.late = self._take_over
        self.works.swr = self.swr
        self.due: dict[Lane, datetime] = {}
        self.untold: set[str] = set()  # tags that moved without a push
        self.lanes: Sequence[Lane] = LANES

    @property
    def database(self) -> Database:
        return self.works.database

    @property
    def runner(self) -> LaneRunner:
        return replace(self.works.runner, report=self._reported)

    @initialize(tells=st.booleans(), lanes=st.sampled_from([LANES, LANES[:1], LANES[1:]]))
    def begin(self, *, tells: bool, lanes: Sequence[Lane]) -> None:
        self.swr.tells_jobs = tells
        self.lanes = lanes

    # What senders and people do

    @rule(tag=tags, digest=digests, knows_digest=st.booleans(), seconds=pauses)
    def push(self, tag: str, digest: str, seconds: int, *, knows_digest: bool) -> None:
        self.swr.put(tag, digest)
        self._record(tag, digest if knows_digest else None)
        self.run(seconds)

    @rule(tag=tags, digest=digests)
    def push_in_the_middle_of_a_run(self, tag: str, digest: str) -> None:
        self.swr.meanwhile = lambda: self._push(tag, digest)

    @rule(tag=tags, digest=digests)
    def move_without_a_word(self, tag: str, digest: str) -> None:
        if self.swr.here(tag) not in (None, digest):
            self.swr.put(tag, digest)
            self.untold.add(tag)

    @rule(tag=tags, digest=digests)
    def hear_before_it_is_there(self, tag: str, digest: str) -> None:
        self._record(tag, digest)

    # What SWR does

    @precondition(lambda self: self.swr.pending())
    @rule(which=st.integers(0, 9))
    def carry_out(self, which: int) -> None:
        pending = self.swr.pending()
        self.swr.carry_out(pending[which % len(pending)])

    @precondition(lambda self: self.swr.pending())
    @rule(which=st.integers(0, 9))
    def fail(self, which: int) -> None:
        pending = self.swr.pending()
        pending[which % len(pending)].status = "failed"

    @rule(answer=st.sampled_from(ANSWERS))
    def answer_next(self, answer: str) -> None:
        self.swr.answer = answer

    @rule(lane=st.sampled_from(LANES), source=st.booleans())
    def hide(self, lane: Lane, *, source: bool) -> None:
        self.swr.hidden[lane.source_region if source else lane.target.region] = error()

    @precondition(lambda self: self.swr.hidden)
    @rule()
    def show(self) -> None:
        self.swr.hidden.clear()

    # What the service does

    @rule(seconds=pauses)
    def run(self, seconds: int) -> None:
        self._wait(seconds * SECOND)
        for lane in [lane for lane, at in self.due.items() if at <= self.clock.now]:
            self._run(lane)

    @rule()
    def restart(self) -> None:
        self._rearm()

    def teardown(self) -> None:
        """Let the world calm down, and see what has become of it."""
        self.swr.hidden.clear()
        self.swr.answer, self.swr.meanwhile = "ok", None
        for _ in range(300):
            for job in self.swr.pending():
                self.swr.carry_out(job)
            if not self.due:
                break
            self._wait(max(min(self.due.values()) - self.clock.now, timedelta()))
            for lane in list(self.due):
                self._run(lane)
            for tag in TAGS:  # what was announced ahead of its image arrives
                if self.swr.here(tag) is None:
                    self.swr.put(tag, A)
        try:
            self._judge()
        finally:
            self.database.close()

    def _judge(self) -> None:
        ended = all_syncs(self.database)
        assert {} == self.due
        assert not {sync.state for sync in ended} - END_STATES, "a wake was lost"
        for lane, tag in itertools.product(LANES, TAGS):
            for sync in [s for s in ended if (s.lane, s.tag) == (lane, tag)]:
                if sync.state is not State.SUPERSEDED:
                    self._judge_last(sync)

    def _judge_last(self, sync: Sync) -> None:
        here, there = self.swr.here(sync.tag), self.swr.at(sync.lane, sync.tag)
        is_later_here = any(
            other.tag == sync.tag and other.created_at > sync.created_at
            for other in all_syncs(self.database)
        )
        if sync.tag in self.untold or is_later_here:
            return
        if here == there:
            assert State.VERIFIED is sync.state
        else:
            assert not sync.lane.override, f"{sync.tag} is {sync.state}, and older at its target"
            assert State.DIVERGED is sync.state

    def _push(self, tag: str, digest: str) -> None:
        self.swr.put(tag, digest)
        self._record(tag, digest)

    def _record(self, tag: str, digest: str | None) -> None:
        self.untold.discard(tag)
        for lane in self.lanes:
            recording = write(
                self.database,
                accepted(
                    push(tag, digest),
                    at=self.clock.now,
                    targets=[lane.target],
                    override=lane.override,
                    dedup_window=timedelta(),
                ),
            )
            for woken in recording.lanes:
                self._wake(woken, self.clock.now)

    def _wake(self, lane: Lane, at: datetime) -> None:
        self.due[lane] = min(at, self.due.get(lane, at))

    def _run(self, lane: Lane) -> None:
        self.due.pop(lane, None)
        try:
            again = self.runner.run(lane, self.clock.now)
        except Died:
            self._rearm()
        else:
            if again is not None:
                self._wake(lane, again)

    def _rearm(self) -> None:
        """Start a new process: all that the old one knew is gone."""
        with self.database.write() as connection:
            forget_wakes(connection)
            self.due = dict(unfinished_lanes(connection))

    def _take_over(self, lane: Lane) -> None:
        """Let another worker have the lane, as if this one had died, before it settles."""
        for _ in range(2):
            self._run(lane)

    def _wait(self, wait: timedelta) -> None:
        self.clock.now += wait
        for job in self.swr.pending():
            if self.clock.now - job.created_at > LONGEST_JOB:
                self.swr.carry_out(job)

    def _reported(self, sync: Sync, state: State, _verdict: Verdict, _now: datetime) -> None:
        if state is State.VERIFIED:
            here = self.swr.here(sync.tag)
            assert here == self.swr.at(sync.lane, sync.tag), "verified on another digest"


def test_in_the_end_the_targets_hold_what_the_source_does(
    empty_ledger: Path, tmp_path: Path
) -> None:
    logs.configure("json", "CRITICAL")

    class Here(Machine):
        folders = (tmp_path / str(number) for number in itertools.count())

    Here.empty_ledger = empty_ledger
    run_state_machine_as_test(
        Here,
        settings=settings(
            max_examples=80,
            stateful_step_count=25,
            deadline=None,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
