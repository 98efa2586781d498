"""One run of a lane: look, judge, claim, call, settle."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from sqlalchemy import Connection

from swrhook.clock import Clock
from swrhook.config.model import Config
from swrhook.errors import SwrError
from swrhook.ledger.calls import claim, open_digests, settle
from swrhook.ledger.database import Database
from swrhook.ledger.lanes import lock_lanes, reschedule, set_wake_time
from swrhook.ledger.syncs import apply_decision, due_syncs, not_configured
from swrhook.model import Lane, State, Sync
from swrhook.syncs.decisions import Decider, Decision
from swrhook.syncs.states import Event
from swrhook.worker.admission import Postponed, Urgency, urgency
from swrhook.worker.gateway import GatewaySession, NoCapacity, SwrGateway
from swrhook.worker.observation import (
    Jobs,
    Opened,
    close_finished_calls,
    decide,
    needs_job_status,
    observe,
    read_job_statuses,
    select_batch,
)
from swrhook.worker.ports import SyncListener
from swrhook.worker.target_cache import read_call

# A lane that waits for longer than this can be woken meanwhile, by a push, if that is more urgent.
_SHORT = timedelta(seconds=1)

Judged = tuple[Sync, Decision]


@dataclass(frozen=True, slots=True)
class LaneRunner:
    """Everything that a run needs; `run` is the engine's LaneWork."""

    database: Database
    traffic: SwrGateway
    config: Config
    outcomes: SyncListener
    clock: Clock
    rng: Random

    def run(self, lane: Lane, until: datetime) -> datetime | None:
        """Work on the lane's syncs that are due by then; return when it is due again."""
        config = self.config
        waits = self.traffic.waits(lane, config.options.pace)
        return self._run(lane, until, config) if waits is None else self._until(waits)

    def _run(self, lane: Lane, until: datetime, config: Config) -> datetime | None:
        with self.database.read() as connection:
            batch = config.options.batch
            syncs = due_syncs(connection, lane, until=until, limit=2 * batch)
            opened = open_digests(
                connection,
                [sync.route for sync in syncs],
                until - config.options.verify.deadline,
            )
        if not syncs:
            return self._rest(lane)
        missing = {lane.source_region, lane.target.region} - config.swr.regions.keys()
        if missing:
            return self._hold(lane, syncs, not_configured(min(missing)), config)
        how = urgency(syncs)
        entered = self.traffic.session(lane, how, config.options.pace)
        if isinstance(entered, Postponed):
            return self._put_off(lane, how, entered)
        try:
            with entered as visit:
                return self._work(visit, lane, syncs, opened, config)
        except NoCapacity as exc:
            return self._put_off(lane, how, exc.put_off)

    def _work(
        self,
        visit: GatewaySession,
        lane: Lane,
        syncs: Sequence[Sync],
        opened: Opened,
        config: Config,
    ) -> datetime | None:
        lost = [sync for sync in syncs if sync.state is State.CALLING]
        to_look = select_batch([sync for sync in syncs if sync.state is not State.CALLING])
        sight = observe(visit, lane, list(dict.fromkeys(sync.tag for sync in to_look)))
        judge = Decider(config.options.limits, self.clock.now(), self.rng)
        to_clear = needs_job_status(to_look, sight, opened, judge)
        jobs = read_job_statuses(visit, lane, to_clear, judge) if to_clear else Jobs()
        with self._write(lane) as connection:
            judged = [(sync, judge.decide_after_lost_claim(sync)) for sync in lost]
            opened = close_finished_calls(connection, to_look, sight, jobs, judge)
            judged += [(sync, decide(sync, sight, jobs, opened, judge)) for sync in to_look]
            judged = _allow(visit, lane, judged, judge)
            wanted = [pair for pair in judged if pair[1].event is Event.CLAIM]
            settled = [pair for pair in judged if pair[1].event is not Event.CLAIM]
            states = [
                apply_decision(connection, sync, verdict, judge.now) for sync, verdict in settled
            ]
            held = frozenset(sync.id for sync, _ in wanted if sight.is_held(sync.tag))
            call, won = claim(connection, lane, wanted[: config.options.batch], held, judge.now)
            again = reschedule(connection, lane)
        self._tell(settled, states, judge.now)
        return self._call(visit, lane, call, won, config) if won else again

    def _call(
        self, visit: GatewaySession, lane: Lane, call: str, syncs: Sequence[Sync], config: Config
    ) -> datetime | None:
        error = None
        try:
            visit.sync_images(lane, list(dict.fromkeys(sync.tag for sync in syncs)))
        except SwrError as exc:
            error = exc
        errors = _read(visit, lane, syncs, error)
        judge = Decider(config.options.limits, self.clock.now(), self.rng)
        judged = [
            (sync, judge.decide_after_call(sync, answer, tags_in_call=len(syncs)))
            for sync, answer in zip(syncs, errors, strict=True)
        ]
        with self._write(lane) as connection:
            states = settle(connection, call, judged, error, judge.now)
            again = reschedule(connection, lane)
        self._tell(judged, states, judge.now)
        return again

    def _hold(
        self, lane: Lane, syncs: Sequence[Sync], reason: str, config: Config
    ) -> datetime | None:
        judge = Decider(config.options.limits, self.clock.now(), self.rng)
        with self._write(lane) as connection:
            for sync in syncs:
                apply_decision(connection, sync, judge.decide_held(sync, reason), judge.now)
            return reschedule(connection, lane)

    def _put_off(self, lane: Lane, how: Urgency, why: Postponed) -> datetime:
        until = self._until(why)
        if how is not Urgency.FRESH and until - self.clock.now() > _SHORT:
            with self._write(lane) as connection:
                set_wake_time(connection, lane, until)
        return until

    def _until(self, why: Postponed) -> datetime:
        """Return until when a run is put off, by the ledger's clock."""
        return self.clock.now() + (why.until - self.traffic.clock.now())

    def _rest(self, lane: Lane) -> datetime | None:
        with self._write(lane) as connection:
            return reschedule(connection, lane)

    @contextmanager
    def _write(self, lane: Lane) -> Iterator[Connection]:
        with self.database.write() as connection:
            lock_lanes(connection, [lane])
            yield connection

    def _tell(
        self, judged: Sequence[Judged], states: Sequence[State | None], now: datetime
    ) -> None:
        for (sync, verdict), state in zip(judged, states, strict=True):
            if state is not None:
                self.outcomes.sync(sync, state, verdict, now)


def _allow(
    visit: GatewaySession, lane: Lane, judged: Sequence[Judged], judge: Decider
) -> list[Judged]:
    """Put off those that are to be called for, when the source is not to be asked now."""
    if not any(verdict.event is Event.CLAIM for _, verdict in judged):
        return list(judged)
    not_asked = visit.may_call(lane)
    if not_asked is None:
        return list(judged)
    return [
        (sync, judge.decide_postponed(sync, not_asked) if verdict.event is Event.CLAIM else verdict)
        for sync, verdict in judged
    ]


def _read(
    visit: GatewaySession, lane: Lane, syncs: Sequence[Sync], error: SwrError | None
) -> list[SwrError | None]:
    """Return what the call's answer means for each sync."""
    if error is None:
        return [None] * len(syncs)
    is_possible = visit.is_possible(lane, error)
    return [read_call(error, sync, is_possible=is_possible) for sync in syncs]
