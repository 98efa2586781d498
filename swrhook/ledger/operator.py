"""Changes that operators make: retry, cancel and create syncs, and control repairs."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from sqlalchemy import Connection, select

from swrhook import logs
from swrhook.clock import Clock
from swrhook.errors import StateForbids
from swrhook.ledger import notifications
from swrhook.ledger.database import Database, transaction
from swrhook.ledger.deliveries import record_syncs
from swrhook.ledger.findings import cancel_pending_syncs
from swrhook.ledger.lanes import lock_lanes, schedule_lanes
from swrhook.ledger.pauses import begin_pause, end_pause
from swrhook.ledger.ports import LaneScheduler, OutcomeListener
from swrhook.ledger.repairs import begin, start, stop
from swrhook.ledger.rows import SYNC_COLUMNS, to_sync
from swrhook.ledger.rule_sets import accept_rules
from swrhook.ledger.syncs import BY_AN_OPERATOR, cancel, retry
from swrhook.ledger.tables import syncs
from swrhook.model import PlannedSync, State, Sync, Urgency
from swrhook.notifications.model import Draft
from swrhook.syncs.decisions import Decision
from swrhook.syncs.pauses import Pause, Paused
from swrhook.syncs.reconciliation import RepairRequest
from swrhook.syncs.states import Event
from swrhook.wording.message import say


@dataclass(frozen=True, slots=True)
class Operator:
    """Carries out the changes, each in one transaction.

    In the transaction, `scheduler` gets the lanes to run now; after it, `outcomes` gets what was
    changed. Every method raises CannotRecord where the ledger cannot be written.
    """

    database: Database
    scheduler: LaneScheduler
    outcomes: OutcomeListener
    clock: Clock  # the engine's, which due times are compared with

    def cancel(self, sync_id: str) -> bool:
        """Cancel a sync; False when there is none with this id. Raises StateForbids."""
        now = self.clock.now()
        with transaction(self.database) as connection:
            sync = _lock_sync(connection, sync_id)
            if sync is None:
                return False
            cancelled = cancel(connection, sync_id, now)
            if cancelled is None:
                raise StateForbids(
                    say(
                        "the sync is %(state)s: it cannot be cancelled", state=say(sync.state.value)
                    )
                )
        self.outcomes.sync(cancelled, State.CANCELLED, _CANCELLED, now)
        return True

    def retry(self, sync_id: str, plan: Callable[[Sync], PlannedSync], rules_version: str) -> bool:
        """Restart an ended sync as `plan` returns it; False when there is none with this id.

        Raises StateForbids.
        """
        now = self.clock.now()
        with transaction(self.database) as connection:
            sync = _lock_sync(connection, sync_id)
            if sync is None:
                return False
            planned = plan(sync)
            if retry(connection, sync, planned, rules_version, now) is None:
                raise StateForbids(
                    say(
                        "the sync is %(state)s: %(why)s",
                        state=say(sync.state.value),
                        why=_RETRY_ALLOWED,
                    )
                )
            lane = replace(sync.lane, override=planned.override)
            schedule_lanes(connection, {lane: sync.sender}, Urgency.FRESH, now)
            self.scheduler.wake(connection)
        return True

    def create_syncs(self, planned: Sequence[PlannedSync], rules_version: str) -> Sequence[str]:
        """Record syncs that no delivery announced; return their ids."""
        with transaction(self.database) as connection:
            ids, recording = record_syncs(connection, planned, rules_version, self.clock.now())
            self.scheduler.wake(connection)
        self.outcomes.deliveries(recording, self.clock.now())
        return ids

    def pause(self, pause: Pause) -> Pause:
        """Begin a pause, or change the one that lasts; return it."""
        with transaction(self.database) as connection:
            return begin_pause(connection, replace(pause, since=self.clock.now()))

    def resume(self, paused: Paused) -> Pause:
        """End a pause; return it. Raises StateForbids if there is none."""
        with transaction(self.database) as connection:
            pause = end_pause(connection, paused, self.clock.now())
            if pause is None:
                raise StateForbids(say("%(paused)s is not paused", paused=paused.name_in_words))
            self.scheduler.wake(connection)
        return pause

    def accept_rules(self, fingerprint: str, version: str, by: str) -> None:
        """Let rules be used, in every process."""
        with transaction(self.database) as connection:
            accept_rules(connection, fingerprint, version, by, self.clock.now())
        logs.event("rules.accepted", fingerprint=fingerprint, version=version, by=by)

    def begin_message(self, draft: Draft) -> str:
        """Begin a message to a channel that is due at once; return its id."""
        now = self.clock.now()
        with transaction(self.database) as connection:
            return notifications.begin(connection, draft, now, now)

    def send_again(self, message_id: str) -> None:
        """Deliver a message again. Raises StateForbids unless it was sent, or failed."""
        with transaction(self.database) as connection:
            if not notifications.send_again(connection, message_id, self.clock.now()):
                raise StateForbids(say("the notification is being delivered already"))

    def begin_repair(self, request: RepairRequest) -> str:
        """Begin a backfill or a reconcile; return its id."""
        with transaction(self.database) as connection:
            return begin(connection, request, self.clock.now())

    def start_repair(self, repair_id: str) -> None:
        """Carry out a planned repair. Raises StateForbids."""
        with transaction(self.database) as connection:
            if not start(connection, repair_id, self.clock.now()):
                raise StateForbids(say("only a planned one can be started"))

    def cancel_repair(self, repair_id: str) -> None:
        """Cancel a repair, and those of its syncs that are still pending. Raises StateForbids."""
        now = self.clock.now()
        with transaction(self.database) as connection:
            if not stop(connection, repair_id, now):
                raise StateForbids(say("it has ended: its syncs can be cancelled one by one"))
            cancelled = cancel_pending_syncs(connection, repair_id, now)
        for sync in cancelled:
            self.outcomes.sync(sync, State.CANCELLED, _CANCELLED, now)


_CANCELLED = Decision(Event.CANCEL, reason=BY_AN_OPERATOR)
_RETRY_ALLOWED = say("only a sync that has ended, and is not verified, can be retried")


def _lock_sync(connection: Connection, sync_id: str) -> Sync | None:
    """Lock a sync and its lane; return the sync, None when there is none with this id."""
    query = select(*SYNC_COLUMNS).where(syncs.c.id == sync_id)
    row = connection.execute(query).mappings().one_or_none()
    if row is None:
        return None
    lock_lanes(connection, [to_sync(row).lane])
    # Read again under the lock, so that an error names the state that forbids the change.
    return to_sync(connection.execute(query.with_for_update()).mappings().one())
