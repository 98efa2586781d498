"""Random histories of pushes, moved tags, failures, crashes and late workers, in any order.

SWR is modelled: a call starts jobs, each for the digest that the source held, which are carried out
late, in any order, or never. After every history all syncs have ended, and the targets hold what
the source holds.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime, timedelta
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

from swrhook.engine.lane_taker import LaneTaker, Taken
from swrhook.errors import ClaimLost
from swrhook.ledger.database import Database
from swrhook.ledger.deliveries import Recording
from swrhook.ledger.lane_queue import free_lanes
from swrhook.ledger.lane_session import LaneSession
from swrhook.ledger.syncs import apply_decision
from swrhook.ledger.tables import lanes
from swrhook.model import OPEN_STATES, Lane, State, Sync
from swrhook.syncs.backoff import Backoff, Retry, Verify
from swrhook.syncs.decisions import Decision
from swrhook.syncs.states import Event
from swrhook.worker.admission import Slot
from tests.factories import (
    LANE,
    OTHER_TARGET,
    SECOND,
    A,
    B,
    FakeClock,
    all_syncs,
    everything,
    push,
    write,
)
from tests.factories import entry as accepted
from tests.postgresql import empty
from tests.worker.engine import RunnerWork
from tests.worker.harness import WorkerHarness, config, error
from tests.worker.outcome_check import OutcomeCheck
from tests.worker.slow_swr import ANSWERS, Died, SlowSwr

TAGS = ("v1", "v2")
# The rules sync every tag to two targets, one of them with `override`.
LANES = (LANE, replace(LANE, target=OTHER_TARGET, override=True))
NEVER = timedelta(days=1000)
OPTIONS = {
    "retry": Retry(Backoff(SECOND, 10 * SECOND), NEVER),
    "verify": Verify(retriggers=10_000),
    "source_deadline": NEVER,
    "batch": 2,
}
# SWR carries a job out, or fails it, well before verify's deadline.
LONGEST_JOB = timedelta(minutes=10)


# Most of what can go wrong needs one tag and two digests.
tags = st.sampled_from(["v1", "v1", "v1", "v2"])
digests = st.sampled_from([A, B])
pauses = st.sampled_from([0, 0, 1, 2, 5, 120])


class Process:
    """A process that runs lanes: it takes them as the engine does, in one thread."""

    def __init__(self, machine: "Machine") -> None:
        harness = WorkerHarness(machine.database, machine.swr, machine.clock, config(**OPTIONS))
        self._work = RunnerWork(replace(harness.runner, outcomes=machine))
        self._taker = LaneTaker[Slot](
            machine.database, self._work, machine.clock, threads=8, dead_after=10.0
        )

    def run_next(self) -> Taken[Slot]:
        """Take a lane and run it; return what was taken. Raises Died."""
        taken = self._taker.take()
        if isinstance(taken.session, LaneSession) and taken.slot is not None:
            try:
                self._work.run(taken.session, taken.slot)
            except ClaimLost:
                pass  # another process has taken the lane over
            finally:
                taken.slot.release()
        return taken


class Machine(RuleBasedStateMachine):
    """The worker on a ledger, in processes that run lanes only when a rule says so."""

    database: ClassVar[Database]

    def __init__(self) -> None:
        super().__init__()
        with self.database.write() as connection:
            empty(connection)
        self.clock = FakeClock()
        self.swr = SlowSwr(self.clock)
        self.swr.late = self._take_over
        self.process = Process(self)
        self.unannounced: set[str] = set()  # tags that moved without a push
        self.causes = 0  # events that may make another call necessary
        self.lanes: Sequence[Lane] = LANES

    @initialize(lists_jobs=st.booleans(), lanes=st.sampled_from([LANES, LANES[:1], LANES[1:]]))
    def begin(self, *, lists_jobs: bool, lanes: Sequence[Lane]) -> None:
        self.swr.lists_jobs = lists_jobs
        self.lanes = lanes

    # Senders and operators

    @rule(tag=tags, digest=digests, knows_digest=st.booleans(), seconds=pauses)
    def push(self, tag: str, digest: str, seconds: int, *, knows_digest: bool) -> None:
        self.swr.put(tag, digest)
        self._record(tag, digest if knows_digest else None)
        self.run(seconds)

    @rule(tag=tags, digest=digests)
    def push_during_a_run(self, tag: str, digest: str) -> None:
        self.swr.meanwhile = lambda: self._push(tag, digest)

    @rule(tag=tags, digest=digests)
    def move_without_a_push(self, tag: str, digest: str) -> None:
        if self.swr.at_source(tag) not in (None, digest):
            self.swr.put(tag, digest)
            self.unannounced.add(tag)
            self.causes += 1

    @rule(tag=tags, digest=digests, seconds=pauses)
    def push_from_two_senders(self, tag: str, digest: str, seconds: int) -> None:
        self._push(tag, digest)
        self.run(seconds)
        self._record(tag, None, sender="registry")

    @rule(tag=tags, digest=digests)
    def push_before_the_image_exists(self, tag: str, digest: str) -> None:
        self._record(tag, digest)

    @rule(tag=tags)
    def delete_at_the_source(self, tag: str) -> None:
        lane = LANE
        self.swr.held.pop((lane.source_region, lane.namespace, lane.repository, tag), None)
        self.unannounced.add(tag)

    @rule(tag=tags, lane=st.sampled_from(LANES))
    def delete_at_a_target(self, tag: str, lane: Lane) -> None:
        target = lane.target
        self.swr.held.pop((target.region, target.namespace, lane.repository, tag), None)
        self.unannounced.add(tag)
        self.causes += 1

    @rule()
    def change_the_rules(self) -> None:
        first = self.lanes[0]
        self.lanes = (replace(first, override=not first.override), *self.lanes[1:])

    @precondition(lambda self: self._open())
    @rule(which=st.integers(0, 9))
    def cancel(self, which: int) -> None:
        syncs = self._open()
        sync = syncs[which % len(syncs)]
        with self.database.write() as connection:
            decision = Decision(Event.CANCEL, reason="cancelled")
            state = apply_decision(connection, sync, decision, self.clock.time)
        assert state is State.CANCELLED

    # SWR

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
        self.causes += 1

    @rule(answer=st.sampled_from(ANSWERS))
    def answer_next(self, answer: str) -> None:
        self.swr.answer = answer
        self.causes += 1

    @rule(lane=st.sampled_from(LANES), source=st.booleans())
    def hide(self, lane: Lane, *, source: bool) -> None:
        self.swr.hidden[lane.source_region if source else lane.target.region] = error()

    @precondition(lambda self: self.swr.hidden)
    @rule()
    def show(self) -> None:
        self.swr.hidden.clear()

    # The service

    @rule(seconds=pauses)
    def run(self, seconds: int) -> None:
        self._wait(seconds * SECOND)
        self._run_ready()

    @rule()
    def restart(self) -> None:
        self._replace_process()

    def teardown(self) -> None:
        """Stop all failures, run until nothing is due, and check the outcome."""
        self.swr.hidden.clear()
        self.swr.answer, self.swr.meanwhile = "ok", None
        for _ in range(300):
            for job in self.swr.pending():
                self.swr.carry_out(job)
            look_in = self._run_ready()
            if not self._due_lanes():
                break
            self._wait(look_in or timedelta())
            for tag in TAGS:  # images that were announced too early appear
                if self.swr.at_source(tag) is None:
                    self.swr.put(tag, A)
        assert self._due_lanes() == []
        max_calls = len(all_syncs(self.database)) + len(self.lanes) * self.causes
        OutcomeCheck(self.database, self.swr, self.unannounced, max_calls).run()

    def _open(self) -> list[Sync]:
        return [sync for sync in all_syncs(self.database) if sync.state in OPEN_STATES]

    def _push(self, tag: str, digest: str) -> None:
        self.swr.put(tag, digest)
        self._record(tag, digest)

    def _record(self, tag: str, digest: str | None, sender: str = "harbor") -> None:
        self.unannounced.discard(tag)
        for lane in self.lanes:
            write(
                self.database,
                accepted(
                    replace(push(tag, digest), sender=sender),
                    at=self.clock.time,
                    targets=[lane.target],
                    override=lane.override,
                    dedup_window=timedelta(),
                ),
            )

    def _run_ready(self) -> timedelta | None:
        """Run lanes while any is ready and has room; return when to look again."""
        while True:
            try:
                taken = self.process.run_next()
            except Died:
                self._replace_process()
            else:
                if taken.session is None:
                    return taken.outlook.look_in

    def _replace_process(self) -> None:
        """Start a new process, which knows only what the ledger holds."""
        with self.database.write() as connection:
            free_lanes(connection)
        self.process = Process(self)

    def _take_over(self, lane: Lane) -> None:
        """Let another process run the lane before this one settles, as if this one had died."""
        if self.database.is_sqlite:  # there is no other process
            return
        del lane
        with self.database.write() as connection:
            free_lanes(connection)
        other = Process(self)
        for _ in range(2):
            other.run_next()

    def _due_lanes(self) -> list[str]:
        rows = everything(self.database, lanes)
        return [row["key"] for row in rows if row["due_at"] is not None]

    def _wait(self, wait: timedelta) -> None:
        self.clock.time += wait
        for job in self.swr.pending():
            if self.clock.time - job.created_at > LONGEST_JOB:
                self.swr.carry_out(job)

    def sync(self, sync: Sync, state: State, decision: Decision, now: datetime) -> None:
        del decision, now
        if state is State.VERIFIED:
            # If the tag was deleted at the source since, its digest at the call counts.
            expected = self.swr.at_source(sync.tag) or sync.called_digest or sync.digest
            assert self.swr.at_target(sync.lane, sync.tag) == expected, (
                "verified with another digest"
            )

    def deliveries(self, recording: Recording, now: datetime) -> None:
        del recording, now
        raise AssertionError("a lane records no delivery")


def test_after_any_history_the_targets_hold_what_the_source_holds(database: Database) -> None:
    class History(Machine):
        pass

    History.database = database
    run_state_machine_as_test(
        History,
        settings=settings(
            max_examples=30,
            stateful_step_count=25,
            derandomize=True,
            database=None,
            suppress_health_check=list(HealthCheck),
        ),
    )
