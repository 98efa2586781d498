"""One run of a lane, as the ledger sees it: its due syncs, and the transactions that change them.

A transaction locks the lane, and fails with ClaimLost if another process has taken it over.
"""

from collections.abc import Collection, Iterable, Iterator, Sequence
from collections.abc import Set as AbstractSet
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import Connection

from swrhook.errors import SwrError
from swrhook.ledger import calls
from swrhook.ledger.database import Database
from swrhook.ledger.lanes import lock_held, release_lane
from swrhook.ledger.notices import record_endings
from swrhook.ledger.observations import keep_observations
from swrhook.ledger.pauses import hold_syncs
from swrhook.ledger.syncs import apply_decision, due_syncs
from swrhook.model import Lane, State, Sync
from swrhook.syncs.decisions import Decision
from swrhook.syncs.observations import TagObservation
from swrhook.syncs.pauses import Pauses

SyncDecision = tuple[Sync, Decision]
# By route, the digests that earlier calls may still copy; None for a call made without reading
# the source.
OpenDigests = dict[str, set[str | None]]


@dataclass(frozen=True, slots=True)
class SessionLimits:
    """How many syncs a run takes at most, and for how long a call may still act."""

    syncs: int
    calls_within: timedelta


@dataclass(frozen=True, slots=True)
class LaneSession:
    """A lane that `holder`, this process, runs, and its syncs that were due when it was taken.

    `open_digests` are those on the routes of the triggered ones.
    """

    database: Database
    lane: Lane
    holder: str
    syncs: Sequence[Sync]
    open_digests: OpenDigests

    @contextmanager
    def transaction(self) -> Iterator["LaneTransaction"]:
        """Yield a transaction that changes the lane's syncs. Raises ClaimLost."""
        with self.database.write() as connection:
            lock_held(connection, self.lane, self.holder)
            yield LaneTransaction(connection, self.lane)

    def postpone(self, now: datetime, until: datetime) -> datetime | None:
        """End the run without a result; the lane runs again at `until` at the earliest."""
        with self.transaction() as transaction:
            return transaction.release(now, not_before=until)


def open_session(
    database: Database,
    connection: Connection,
    lane: Lane,
    holder: str,
    until: datetime,
    limits: SessionLimits,
) -> LaneSession:
    """Read what is due of a lane by `until`, in the transaction that took the lane."""
    syncs = due_syncs(connection, lane, until=until, limit=limits.syncs)
    routes = [sync.route for sync in syncs if sync.state is State.TRIGGERED]
    since = until - limits.calls_within
    digests = calls.open_digests(connection, routes, since) if routes else {}
    return LaneSession(database, lane, holder, syncs, digests)


def without_paused(connection: Connection, session: LaneSession, pauses: Pauses) -> LaneSession:
    """Hold the syncs whose rule or sender is paused; return the session with the others."""
    others = hold_syncs(connection, session.syncs, pauses)
    return replace(session, syncs=[*map(pauses.restart_deadlines, others)])


@dataclass(frozen=True, slots=True)
class LaneTransaction:
    """The changes of one transaction."""

    connection: Connection
    lane: Lane

    def apply(self, decisions: Sequence[SyncDecision], now: datetime) -> list[State | None]:
        """Apply decisions; return the new states, None for a sync that changed meanwhile."""
        return [apply_decision(self.connection, *decision, now) for decision in decisions]

    def claim(
        self, decisions: Sequence[SyncDecision], already_present: AbstractSet[str], now: datetime
    ) -> tuple[str, list[Sync]]:
        """Begin a call; return its id and the syncs that were claimed. See calls.claim."""
        return calls.claim(self.connection, self.lane, decisions, already_present, now)

    def settle(
        self,
        call_id: str,
        decisions: Sequence[SyncDecision],
        error: SwrError | None,
        now: datetime,
    ) -> list[State | None]:
        """End a call, and apply the decisions; return the new states. See calls.settle."""
        return calls.settle(self.connection, call_id, decisions, error, now)

    def record_endings(self, sync_ids: Sequence[str], now: datetime) -> None:
        """Record that syncs have ended, for those who are told. See notices.record_endings."""
        record_endings(self.connection, sync_ids, now)

    def close_calls(self, route: str, digest: str | None = None) -> None:
        """Close the calls of a route that can copy nothing more. See calls.close_calls."""
        calls.close_calls(self.connection, route, digest)

    def open_digests(self, routes: Collection[str], since: datetime) -> OpenDigests:
        """Return the digests that open calls made since then may still copy, by route."""
        return calls.open_digests(self.connection, routes, since)

    def keep(self, new: Iterable[TagObservation]) -> None:
        """Keep what was read of the lane's tags; the last change of a transaction."""
        keep_observations(self.connection, new)

    def release(self, now: datetime, *, not_before: datetime | None = None) -> datetime | None:
        """End the run with this transaction; return when the lane is due again."""
        return release_lane(self.connection, self.lane, now, not_before)
