"""One run of a lane: observe, decide, claim, call, settle."""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime, timedelta
from random import Random

from sqlalchemy import Connection

from swrhook.clock import Clock
from swrhook.errors import SwrError
from swrhook.ledger.calls import claim, open_digests, settle
from swrhook.ledger.database import Database
from swrhook.ledger.lanes import lock_lanes, reschedule, set_wake_time
from swrhook.ledger.ports import OutcomeListener
from swrhook.ledger.syncs import apply_decision, due_syncs, not_configured
from swrhook.model import Lane, State, Sync
from swrhook.syncs.decisions import Decider, Decision
from swrhook.syncs.states import Event
from swrhook.worker.admission import Postponed, Urgency, urgency_of
from swrhook.worker.gateway import GatewaySession, NoCapacity, SwrGateway
from swrhook.worker.observation import (
    JobStatuses,
    OpenDigests,
    close_finished_calls,
    decide,
    needs_job_status,
    observe,
    read_job_statuses,
    select_batch,
)
from swrhook.worker.target_cache import refine_call_error

# Only a longer wait is recorded as the lane's wake time, so that a more urgent push can end it.
_SHORT_WAIT = timedelta(seconds=1)

SyncDecision = tuple[Sync, Decision]


@dataclass(frozen=True, slots=True)
class LaneRunner:
    """Runs lanes with one configuration: `run` is the engine's LaneWork."""

    database: Database
    gateway: SwrGateway
    outcomes: OutcomeListener
    clock: Clock
    rng: Random

    def run(self, lane: Lane, until: datetime) -> datetime | None:
        """Work on the lane's syncs that are due by `until`; return when the lane is due again."""
        config, options = self.gateway.config, self.gateway.config.options
        # Without a query: many lanes may wait for capacity, and each is run again and again.
        postponed = self.gateway.would_wait(lane)
        if postponed is not None:
            return self._ledger_time(postponed)
        with self.database.read() as connection:
            # Twice a batch: some of the syncs only need to be verified and take no part in a call.
            syncs = due_syncs(connection, lane, until=until, limit=2 * options.batch)
            routes = [sync.route for sync in syncs]
            open_calls = open_digests(connection, routes, until - options.verify.deadline)
        if not syncs:
            with self._lane_transaction(lane) as connection:
                return reschedule(connection, lane)
        missing = {lane.source_region, lane.target.region} - config.swr.regions.keys()
        if missing:
            return self._hold(lane, syncs, not_configured(min(missing)))
        urgency = urgency_of(syncs)
        try:
            with self.gateway.session(lane, urgency) as session:
                return self._process(session, lane, syncs, open_calls)
        except NoCapacity as exc:
            return self._postpone(lane, urgency, exc.postponed)

    def _process(
        self, session: GatewaySession, lane: Lane, syncs: Sequence[Sync], open_calls: OpenDigests
    ) -> datetime | None:
        # The lane is ours alone, so a sync in state `calling` was left behind by a dead worker.
        lost = [sync for sync in syncs if sync.state is State.CALLING]
        batch = select_batch([sync for sync in syncs if sync.state is not State.CALLING])
        observation = observe(session, lane, list(dict.fromkeys(sync.tag for sync in batch)))
        decider = self._decider()
        unclear = needs_job_status(batch, observation, open_calls, decider)
        jobs = read_job_statuses(session, lane, unclear, decider) if unclear else JobStatuses()
        with self._lane_transaction(lane) as connection:
            decisions = [(sync, decider.decide_after_lost_claim(sync)) for sync in lost]
            open_calls = close_finished_calls(connection, batch, observation, jobs, decider)
            decisions += [
                (sync, decide(sync, observation, jobs, open_calls, decider)) for sync in batch
            ]
            decisions = _check_breaker(session, lane, decisions, decider)
            claims = [pair for pair in decisions if pair[1].event is Event.CLAIM]
            settled = [pair for pair in decisions if pair[1].event is not Event.CLAIM]
            states = [apply_decision(connection, *pair, decider.now) for pair in settled]
            in_sync = frozenset(sync.id for sync, _ in claims if observation.is_in_sync(sync.tag))
            claims = claims[: self.gateway.config.options.batch]
            call, claimed = claim(connection, lane, claims, in_sync, decider.now)
            due_at = reschedule(connection, lane)
        self._report(settled, states, decider.now)
        return self._call(session, lane, call, claimed) if claimed else due_at

    def _call(
        self, session: GatewaySession, lane: Lane, call: str, syncs: Sequence[Sync]
    ) -> datetime | None:
        error = None
        try:
            session.sync_images(lane, list(dict.fromkeys(sync.tag for sync in syncs)))
        except SwrError as exc:
            error = exc
        is_possible = session.check_region(lane, error)
        errors = [refine_call_error(error, sync, is_possible=is_possible) for sync in syncs]
        decider = self._decider()
        decisions = [
            (sync, decider.decide_after_call(sync, sync_error, tags_in_call=len(syncs)))
            for sync, sync_error in zip(syncs, errors, strict=True)
        ]
        with self._lane_transaction(lane) as connection:
            states = settle(connection, call, decisions, error, decider.now)
            due_at = reschedule(connection, lane)
        self._report(decisions, states, decider.now)
        return due_at

    def _hold(self, lane: Lane, syncs: Sequence[Sync], reason: str) -> datetime | None:
        """Hold syncs whose region is not configured."""
        decider = self._decider()
        with self._lane_transaction(lane) as connection:
            for sync in syncs:
                apply_decision(connection, sync, decider.decide_held(sync, reason), decider.now)
            return reschedule(connection, lane)

    def _postpone(self, lane: Lane, urgency: Urgency, postponed: Postponed) -> datetime:
        until = self._ledger_time(postponed)
        # Nothing is more urgent than a fresh push, so no later push needs to end its wait.
        if urgency is not Urgency.FRESH and until - self.clock.now() > _SHORT_WAIT:
            with self._lane_transaction(lane) as connection:
                set_wake_time(connection, lane, until)
        return until

    def _ledger_time(self, postponed: Postponed) -> datetime:
        """Convert the end of a wait from the gateway's clock to the ledger's."""
        return self.clock.now() + (postponed.until - self.gateway.clock.now())

    def _decider(self) -> Decider:
        return Decider(self.gateway.config.options.limits, self.clock.now(), self.rng)

    @contextmanager
    def _lane_transaction(self, lane: Lane) -> Iterator[Connection]:
        with self.database.write() as connection:
            lock_lanes(connection, [lane])
            yield connection

    def _report(
        self, decisions: Sequence[SyncDecision], states: Sequence[State | None], now: datetime
    ) -> None:
        for (sync, decision), state in zip(decisions, states, strict=True):
            if state is not None:  # None: another worker or an operator changed the sync first
                self.outcomes.sync(sync, state, decision, now)


def _check_breaker(
    session: GatewaySession, lane: Lane, decisions: Sequence[SyncDecision], decider: Decider
) -> list[SyncDecision]:
    """Postpone the syncs to be called for if the source's circuit breaker is open."""
    is_called = any(decision.event is Event.CLAIM for _, decision in decisions)
    circuit_open = session.prepare_call(lane) if is_called else None
    if circuit_open is None:
        return list(decisions)
    return [
        (sync, decider.decide_postponed(sync, circuit_open))
        if decision.event is Event.CLAIM
        else (sync, decision)
        for sync, decision in decisions
    ]
