"""One run of a lane: observe, decide, claim, call, settle."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from random import Random

from swrhook.clock import Clock
from swrhook.errors import SwrError
from swrhook.ledger.database import Database
from swrhook.ledger.lane_session import (
    LaneSession,
    LaneTransaction,
    SessionLimits,
    SyncDecision,
)
from swrhook.ledger.ports import OutcomeListener
from swrhook.ledger.syncs import not_configured
from swrhook.model import Lane, State, Sync
from swrhook.syncs.decisions import Decider
from swrhook.syncs.states import Event
from swrhook.worker.admission import Slot
from swrhook.worker.call_error import refine_call_error
from swrhook.worker.evidence import gather_evidence
from swrhook.worker.gateway import GatewaySession, NoCapacity, SwrGateway
from swrhook.worker.observation import (
    JobStatuses,
    close_finished_calls,
    decide,
    needs_job_status,
    observe,
    read_job_statuses,
    select_batch,
    tag_observations,
)


@dataclass(frozen=True, slots=True)
class LaneRunner:
    """Runs lanes with one configuration."""

    database: Database
    gateway: SwrGateway
    outcomes: OutcomeListener
    clock: Clock
    rng: Random

    def limits(self) -> SessionLimits:
        """Return the limits of a run."""
        options = self.gateway.config.options
        # Twice a batch: some of the syncs only need to be verified and take no part in a call.
        return SessionLimits(2 * options.batch, options.verify.longest)

    def run(self, session: LaneSession, slot: Slot) -> datetime | None:
        """Work on the session's syncs, release the lane, and return when it is due again."""
        lane = session.lane
        missing = {lane.source_region, lane.target.region} - self.gateway.config.swr.regions.keys()
        if not session.syncs:
            return self._settle(session, [])
        if missing:
            reason, decider = not_configured(min(missing)), self._decider()
            decisions = [(sync, decider.decide_held(sync, reason)) for sync in session.syncs]
            return self._settle(session, decisions)
        try:
            return self._process(self.gateway.session(lane, slot), session)
        except NoCapacity as exc:
            now = self.clock.now()
            return session.postpone(now, now + exc.wait)

    def _process(self, swr: GatewaySession, session: LaneSession) -> datetime | None:
        # The lane is ours alone, so a sync in state `calling` was left behind by a dead worker.
        lane, syncs = session.lane, session.syncs
        lost = [sync for sync in syncs if sync.state is State.CALLING]
        batch = select_batch([sync for sync in syncs if sync.state is not State.CALLING])
        tags = list(dict.fromkeys(sync.tag for sync in batch))
        observation = observe(swr, lane, tags, self.clock.now())
        decider = self._decider()
        unclear = needs_job_status(batch, observation, session.open_digests, decider)
        jobs = read_job_statuses(swr, lane, unclear, decider) if unclear else JobStatuses()
        evidence = gather_evidence(swr, lane, batch, observation, jobs, decider)
        with session.transaction() as transaction:
            decisions = [(sync, decider.decide_after_lost_claim(sync)) for sync in lost]
            open_calls = close_finished_calls(transaction, batch, observation, jobs, decider)
            decisions += [
                (sync, decide(sync, observation, evidence[sync.tag], open_calls, decider))
                for sync in batch
            ]
            decisions = _check_breaker(swr, lane, decisions, decider)
            claims = [pair for pair in decisions if pair[1].event is Event.CLAIM]
            settled = [pair for pair in decisions if pair[1].event is not Event.CLAIM]
            states = transaction.apply(settled, decider.now)
            self._record_endings(transaction, settled, states, decider.now)
            in_sync = frozenset(sync.id for sync, _ in claims if observation.is_in_sync(sync.tag))
            claims = claims[: self.gateway.config.options.batch]
            call, claimed = transaction.claim(claims, in_sync, decider.now)
            due_at = None if claimed else transaction.release(decider.now)
            transaction.keep(tag_observations(lane, batch, observation))
        self._report(settled, states, decider.now)
        return self._call(swr, session, call, claimed) if claimed else due_at

    def _call(
        self, swr: GatewaySession, session: LaneSession, call: str, syncs: Sequence[Sync]
    ) -> datetime | None:
        error, lane = None, session.lane
        try:
            swr.sync_images(lane, list(dict.fromkeys(sync.tag for sync in syncs)))
        except SwrError as exc:
            error = exc
        is_possible = swr.check_region(lane, error)
        errors = [refine_call_error(error, sync, is_possible=is_possible) for sync in syncs]
        decider = self._decider()
        decisions = [
            (sync, decider.decide_after_call(sync, sync_error, tags_in_call=len(syncs)))
            for sync, sync_error in zip(syncs, errors, strict=True)
        ]
        with session.transaction() as transaction:
            states = transaction.settle(call, decisions, error, decider.now)
            self._record_endings(transaction, decisions, states, decider.now)
            due_at = transaction.release(decider.now)
        self._report(decisions, states, decider.now)
        return due_at

    def _settle(self, session: LaneSession, decisions: Sequence[SyncDecision]) -> datetime | None:
        """Apply decisions that need no request, and release the lane."""
        now = self.clock.now()
        with session.transaction() as transaction:
            states = transaction.apply(decisions, now)
            due_at = transaction.release(now)
        self._report(decisions, states, now)
        return due_at

    def _record_endings(
        self,
        transaction: LaneTransaction,
        decisions: Sequence[SyncDecision],
        states: Sequence[State | None],
        now: datetime,
    ) -> None:
        """Record, in the transaction that ends them, the syncs whose end somebody is told."""
        reported = self.gateway.config.notify.told_states
        ended = [
            sync.id for (sync, _), state in zip(decisions, states, strict=True) if state in reported
        ]
        transaction.record_endings(ended, now)

    def _decider(self) -> Decider:
        return Decider(self.gateway.config.options.limits, self.clock.now(), self.rng)

    def _report(
        self, decisions: Sequence[SyncDecision], states: Sequence[State | None], now: datetime
    ) -> None:
        for (sync, decision), state in zip(decisions, states, strict=True):
            if state is not None:  # None: another worker or an operator changed the sync first
                self.outcomes.sync(sync, state, decision, now)


def _check_breaker(
    swr: GatewaySession, lane: Lane, decisions: Sequence[SyncDecision], decider: Decider
) -> list[SyncDecision]:
    """Postpone the syncs to be called for if the source's circuit breaker is open."""
    is_called = any(decision.event is Event.CLAIM for _, decision in decisions)
    circuit_open = swr.prepare_call(lane) if is_called else None
    if circuit_open is None:
        return list(decisions)
    return [
        (sync, decider.decide_postponed(sync, circuit_open))
        if decision.event is Event.CLAIM
        else (sync, decision)
        for sync, decision in decisions
    ]
