"""What people change in the ledger: a sync tried again, ended, or ordered by hand."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import Connection, select

from swrhook.clock import Clock
from swrhook.errors import StateForbids
from swrhook.ledger.database import Database, transaction
from swrhook.ledger.deliveries import record_syncs
from swrhook.ledger.findings import cancel_waiting
from swrhook.ledger.lanes import lock_lanes, schedule_lanes
from swrhook.ledger.ports import LaneScheduler, OutcomeListener
from swrhook.ledger.repairs import begin, start, stop
from swrhook.ledger.rows import SYNC_COLUMNS, to_sync
from swrhook.ledger.syncs import BY_AN_OPERATOR, cancel, retry
from swrhook.ledger.tables import syncs
from swrhook.model import PlannedSync, State, Sync
from swrhook.syncs.decisions import Decision
from swrhook.syncs.reconciliation import RepairRequest
from swrhook.syncs.states import Event


@dataclass(frozen=True, slots=True)
class Operator:
    """Carries out what an operator asks for, each in one transaction.

    Inside it `scheduler` is told which lanes to run now, and afterwards `outcomes` what changed.
    Every method raises CannotRecord where the ledger cannot be written.
    """

    database: Database
    scheduler: LaneScheduler
    outcomes: OutcomeListener
    clock: Clock  # that the engine's due times go by

    def cancel(self, sync_id: str, now: datetime) -> bool:
        """End a sync; False when there is none with this id. Raises StateForbids."""
        with transaction(self.database) as connection:
            sync = _find(connection, sync_id)
            if sync is None:
                return False
            cancelled = cancel(connection, sync_id, now)
            if cancelled is None:
                raise StateForbids(f"the sync is {sync.state}: it cannot be cancelled")
        verdict = Decision(Event.CANCEL, reason=BY_AN_OPERATOR)
        self.outcomes.sync(cancelled, State.CANCELLED, verdict, now)
        return True

    def retry(
        self,
        sync_id: str,
        plan: Callable[[Sync], PlannedSync],
        rules_version: str,
        now: datetime,
    ) -> bool:
        """Begin an ended sync from new, as `plan` says; False when there is none with this id.

        Raises StateForbids.
        """
        with transaction(self.database) as connection:
            sync = _find(connection, sync_id)
            if sync is None:
                return False
            wanted = plan(sync)
            if retry(connection, sync, wanted, rules_version, now) is None:
                raise StateForbids(f"the sync is {sync.state}: {_NO_RETRY}")
            lane = replace(sync.lane, override=wanted.override)
            lanes = schedule_lanes(connection, [lane], now)
            self.scheduler.wake(lanes, self.clock.now(), connection)
        return True

    def create_syncs(
        self, planned: Sequence[PlannedSync], rules_version: str, now: datetime
    ) -> Sequence[str]:
        """Record syncs that no delivery announced and return their ids."""
        with transaction(self.database) as connection:
            ids, recording = record_syncs(connection, planned, rules_version, now)
            self.scheduler.wake(recording.lanes, self.clock.now(), connection)
        self.outcomes.deliveries(recording, self.clock.now())
        return ids

    def begin_repair(self, wish: RepairRequest, now: datetime) -> str:
        """Begin a backfill or a reconcile and return its id."""
        with transaction(self.database) as connection:
            return begin(connection, wish, now)

    def start_repair(self, repair_id: str, now: datetime) -> None:
        """Go on with a plan. Raises StateForbids."""
        with transaction(self.database) as connection:
            if not start(connection, repair_id, now):
                raise StateForbids("only what is planned can be started")

    def cancel_repair(self, repair_id: str, now: datetime) -> None:
        """End a repair, and its syncs that no call was made for. Raises StateForbids."""
        with transaction(self.database) as connection:
            if not stop(connection, repair_id, now):
                raise StateForbids("it has ended: its syncs can be cancelled one by one")
            cancelled = cancel_waiting(connection, repair_id, now)
        verdict = Decision(Event.CANCEL, reason=BY_AN_OPERATOR)
        for sync in cancelled:
            self.outcomes.sync(sync, State.CANCELLED, verdict, now)


_NO_RETRY = "what has ended, and not verified, can be retried"


def _find(connection: Connection, sync_id: str) -> Sync | None:
    query = select(*SYNC_COLUMNS).where(syncs.c.id == sync_id)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return None
    lock_lanes(connection, [to_sync(row).lane])
    # Locked, so that the state that is named is the one that forbids.
    return to_sync(connection.execute(query.with_for_update()).mappings().one())
