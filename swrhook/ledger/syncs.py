"""State changes of syncs. Each is one conditional UPDATE, whose WHERE clause is the lock.

No rows updated means that the sync has changed since it was read: not an error.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    Integer,
    and_,
    bindparam,
    case,
    column,
    literal,
    literal_column,
    select,
    union_all,
    update,
)

from swrhook.ledger.lanes import lock_lanes, schedule_lanes
from swrhook.ledger.rows import LANE_COLUMNS, SYNC_COLUMNS, to_lane, to_sync
from swrhook.ledger.sql import PreparedStatement, in_portions
from swrhook.ledger.tables import OPEN, syncs
from swrhook.model import OPEN_STATES, Lane, PlannedSync, State, Sync, Urgency
from swrhook.syncs.decisions import Decision
from swrhook.syncs.states import TRANSITIONS, Event, urgency_after
from swrhook.wording.message import say
from swrhook.wording.storage import encode

LATER_PUSH = say("a later push of the same tag")
SUPERSEDED_VALUES = {"state": State.SUPERSEDED.value, "due_at": None, "reason": LATER_PUSH}
BY_AN_OPERATOR = say("cancelled by an operator")


def not_configured(region: str) -> str:
    """Return the reason of a sync that waits because its region is not configured."""
    return say("region %(region)s is not in the configuration", region=region)


def due_syncs(connection: Connection, lane: Lane, *, until: datetime, limit: int) -> list[Sync]:
    """Return the lane's open syncs that are due by `until`: the most urgent first, then by time.

    A `calling` one was left behind by a worker that died: a lane has one worker at a time.
    """
    rows = _DUE.rows(connection, lane=lane.key, until=until, most=limit)
    return [to_sync(row) for row in rows]


# For each urgency the first ones along the index: a lane may have thousands that are not due.
# With `*` instead of each column, it is short enough for the driver of PostgreSQL to parse it once.
_FIRST_DUE = union_all(
    *(
        select(
            select(literal_column("*"))
            .select_from(syncs)
            .where(syncs.c.lane == bindparam("lane"), OPEN)
            .where(syncs.c.urgency == urgency, syncs.c.due_at <= bindparam("until"))
            .order_by(syncs.c.due_at)
            .limit(bindparam("most", type_=Integer))
            .subquery()
        )
        for urgency in map(int, Urgency)
    )
).subquery()
_DUE = PreparedStatement(
    select(*(column(one.name, one.type) for one in SYNC_COLUMNS))
    .select_from(_FIRST_DUE)
    .order_by(column("urgency"), column("id"))
    .limit(bindparam("most", type_=Integer))
)


def apply_decision(
    connection: Connection, sync: Sync, decision: Decision, now: datetime
) -> State | None:
    """Apply a decision; return the new state, or None if the sync has changed since it was read.

    A `calling` sync changes only under the claim that it was read with, so a late worker changes
    nothing. If it was superseded during its call, its new state is `superseded`, whatever the
    call's result.
    """
    transition, error = TRANSITIONS[decision.event], decision.error
    values: dict[str, Any] = {
        "state": transition.to.value,
        "due_at": decision.due_at,
        "reason": decision.reason,
        "updated_at": now,
        "claim": None,
        "error_code": None if error is None else error.code,
        "error_message": None if error is None else error.message,
        "error_remedy": None if error is None else error.remedy or None,
        "wording": encode((decision.reason, *((error.message, error.remedy) if error else ()))),
        **decision.values,
    }
    if transition.to is State.VERIFIED:
        values["verified_at"] = now
    elif transition.to in OPEN_STATES:
        values["urgency"] = urgency_after(transition.to, backfill=sync.backfill).value
        # A `calling` sync whose worker dies is due at once.
        values["due_at"] = decision.due_at or now
    statement = _transition(decision.event, sync.state is State.CALLING, tuple(values))
    parameters = {_parameter(name): value for name, value in values.items()}
    parameters |= {"sync_id": sync.id, "old_state": sync.state.value}
    if sync.state is State.CALLING:
        parameters["old_claim"] = sync.claim
    state = statement.scalar(connection, **parameters)
    return None if state is None else State(state)


@cache
def _transition(event: Event, is_calling: bool, names: Sequence[str]) -> PreparedStatement:  # noqa: FBT001
    from_states = [state.value for state in TRANSITIONS[event].from_states]
    values = {name: bindparam(_parameter(name), type_=syncs.c[name].type) for name in names}
    statement = update(syncs).where(
        syncs.c.id == bindparam("sync_id"),
        syncs.c.state.in_(from_states),
        syncs.c.state == bindparam("old_state"),
    )
    if is_calling:
        statement = statement.where(syncs.c.claim == bindparam("old_claim"))
        values |= _unless_superseded(values)
    return PreparedStatement(statement.values(values).returning(syncs.c.state))


def _parameter(column: str) -> str:
    """Name a column's new value; SQLAlchemy reserves the column's own name in an UPDATE."""
    return f"new_{column}"


def _unless_superseded(values: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return values that make a superseded sync end `superseded` in the same UPDATE."""
    is_superseded = syncs.c.superseded_by.is_not(None)
    return {
        name: case((is_superseded, literal(value, syncs.c[name].type)), else_=values[name])
        for name, value in SUPERSEDED_VALUES.items()
    }


def supersede(connection: Connection, sync_id: str, heir: str, now: datetime) -> State | None:
    """Let a later sync, `heir`, replace this one; return its state, None if it has ended.

    A `calling` sync stays so until the call is settled.
    """
    state = _SUPERSEDE.scalar(connection, sync_id=sync_id, heir=heir, now=now)
    return None if state is None else State(state)


_IS_CALLING = syncs.c.state == State.CALLING.value
_SUPERSEDE = PreparedStatement(
    update(syncs)
    .where(syncs.c.id == bindparam("sync_id"), OPEN)
    .values(
        superseded_by=bindparam("heir"),
        state=case((_IS_CALLING, syncs.c.state), else_=State.SUPERSEDED.value),
        due_at=case((_IS_CALLING, syncs.c.due_at)),  # else NULL
        reason=LATER_PUSH,
        updated_at=bindparam("now", type_=syncs.c.updated_at.type),
    )
    .returning(syncs.c.state)
)


def cancel(connection: Connection, sync_id: str, now: datetime) -> Sync | None:
    """Cancel a sync; return it, or None when its state does not allow that.

    A call in flight goes on and is recorded, but without the claim it cannot change the sync.
    """
    values = {"due_at": None, "claim": None, "reason": BY_AN_OPERATOR}
    return _operator_transition(connection, sync_id, Event.CANCEL, now, values)


def retry(
    connection: Connection,
    sync: Sync,
    planned: PlannedSync,
    rules_version: str,
    now: datetime,
    *,
    backfill: bool = False,
) -> Sync | None:
    """Restart an ended sync as `planned` by the present rules; None when its state forbids that."""
    values = {
        **_INITIAL_VALUES,
        "override": planned.override,
        "lane": replace(sync.lane, override=planned.override).key,
        "rule": planned.rule,
        "rules_version": rules_version,
        "due_at": now,
        "backfill": backfill,
        "urgency": (Urgency.BACKFILL if backfill else Urgency.FRESH).value,
    }
    return _operator_transition(connection, sync.id, Event.RETRY, now, values)


# Of each column that tells how far a sync is: those with a default or NULL in a new row, except
# the ones that say where the sync comes from.
_INITIAL_VALUES: Mapping[str, Any] = {
    column.name: getattr(column.default, "arg", None)
    for column in syncs.columns
    if column.nullable or column.default is not None
    if column.name not in ("delivery", "push", "digest")
}


def _operator_transition(
    connection: Connection, sync_id: str, event: Event, now: datetime, values: Mapping[str, Any]
) -> Sync | None:
    transition = TRANSITIONS[event]
    statement = (
        update(syncs)
        .where(syncs.c.id == sync_id)
        .where(syncs.c.state.in_([state.value for state in transition.from_states]))
        .values(state=transition.to.value, updated_at=now, **values)
        .returning(*SYNC_COLUMNS)
    )
    row = connection.execute(statement).mappings().one_or_none()
    return None if row is None else to_sync(row)


def release_regions(connection: Connection, regions: Iterable[str], now: datetime) -> list[Lane]:
    """Make syncs due that waited for these regions to be configured; return lanes to run now."""
    is_waiting = and_(
        OPEN,
        syncs.c.state != State.CALLING.value,
        syncs.c.reason.in_([not_configured(region) for region in regions]),
    )
    columns = [syncs.c[name] for name in (*LANE_COLUMNS, "sender")]
    rows = connection.execute(select(*columns).where(is_waiting).distinct()).mappings()
    senders = {to_lane(row): row["sender"] for row in rows}
    lock_lanes(connection, senders)  # before their syncs, as everywhere
    # Syncs of other lanes may have begun to wait since. Those are looked at when they are due.
    for portion in in_portions([lane.key for lane in senders]):
        in_lanes = syncs.c.lane.in_(portion)
        connection.execute(update(syncs).where(is_waiting, in_lanes).values(due_at=now))
    return schedule_lanes(connection, senders, Urgency.REPEAT, now)
