"""State changes of syncs: each is one conditional statement, its WHERE clause is the lock."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    Connection,
    Integer,
    and_,
    bindparam,
    case,
    func,
    literal,
    null,
    select,
    type_coerce,
    update,
)

from swrhook.ledger.lanes import lock_lanes, schedule_lanes
from swrhook.ledger.rows import LANE_COLUMNS, SYNC_COLUMNS, to_lane, to_sync
from swrhook.ledger.sql import PreparedStatement, in_portions
from swrhook.ledger.tables import OPEN, syncs
from swrhook.ledger.types import Instant
from swrhook.model import Lane, PlannedSync, State, Sync
from swrhook.syncs.decisions import Decision
from swrhook.syncs.states import TRANSITIONS, Event


def not_configured(region: str) -> str:
    """Return the reason that stands beside a sync that is held for a region."""
    return f"region {region} is not in the configuration"


def release_regions(connection: Connection, regions: Iterable[str], now: datetime) -> list[Lane]:
    """Make the syncs that were held for these regions due now; return the lanes to be woken."""
    is_held = and_(
        OPEN,
        syncs.c.state != State.CALLING.value,
        syncs.c.reason.in_([not_configured(region) for region in regions]),
    )
    columns = [syncs.c[name] for name in LANE_COLUMNS]
    found = connection.execute(select(*columns).where(is_held).distinct()).mappings()
    lanes = {to_lane(row) for row in found}
    lock_lanes(
        connection, lanes
    )  # before their syncs: so does everybody, and nobody waits in a circle
    # What has been held since, in another lane, is not touched: it asks for itself when it is due.
    for portion in in_portions([lane.key for lane in lanes]):
        in_lanes = syncs.c.lane.in_(portion)
        connection.execute(update(syncs).where(is_held, in_lanes).values(due_at=now))
    return schedule_lanes(connection, lanes, now)


LATER_PUSH = "a later push of the same tag"
BY_AN_OPERATOR = "cancelled by an operator"


def due_syncs(connection: Connection, lane: Lane, *, until: datetime, limit: int) -> list[Sync]:
    """Return the lane's open syncs that are due by then, at most `limit`, fresh and old ones first.

    A `calling` one among them was left behind: a lane is never worked on twice at a time.
    """
    rows = _TO_JUDGE.rows(connection, lane=lane.key, until=until, most=limit)
    return [to_sync(row) for row in rows]


_TO_JUDGE = PreparedStatement(
    select(*SYNC_COLUMNS)
    .where(syncs.c.lane == bindparam("lane"), OPEN)
    .where((syncs.c.due_at <= bindparam("until")) | (syncs.c.state == State.CALLING.value))
    .order_by(syncs.c.backfill, syncs.c.id)
    .limit(bindparam("most", type_=Integer))
)


def apply_decision(
    connection: Connection, sync: Sync, decision: Decision, now: datetime
) -> State | None:
    """Apply a verdict; return the state reached, or None when the sync has moved meanwhile.

    A `calling` sync moves only under the claim it was read with. When a later push took over
    while its call was in flight it ends `superseded`, whatever the call's answer.
    """
    transition = TRANSITIONS[decision.event]
    values = {
        "state": transition.to.value,
        "due_at": decision.due_at,
        "reason": decision.reason,
        "updated_at": now,
        "claim": None,
        **_error_columns(decision),
        **decision.values,
    }
    if transition.to is State.VERIFIED:
        values["verified_at"] = now
    statement = _move(decision.event, sync.state is State.CALLING, tuple(values))
    named = {_new(name): value for name, value in values.items()}
    named |= {"of": sync.id, "was": sync.state.value}
    if sync.state is State.CALLING:
        named["held"] = sync.claim
    reached = statement.scalar(connection, **named)
    return None if reached is None else State(reached)


@cache
def _move(event: Event, is_calling: bool, names: Sequence[str]) -> PreparedStatement:  # noqa: FBT001
    from_states = [state.value for state in TRANSITIONS[event].from_states]
    values = {name: bindparam(_new(name), type_=syncs.c[name].type) for name in names}
    statement = update(syncs).where(
        syncs.c.id == bindparam("of"),
        syncs.c.state.in_(from_states),
        syncs.c.state == bindparam("was"),
    )
    if is_calling:
        statement = statement.where(syncs.c.claim == bindparam("held"))
        values |= _unless_superseded(values)
    return PreparedStatement(statement.values(values).returning(syncs.c.state))


def _new(column: str) -> str:
    """Return the name of a column's new value: its own stands for the column in an update."""
    return f"new_{column}"


def supersede(connection: Connection, sync_id: str, heir: str, now: datetime) -> State | None:
    """Let a later push's sync carry on for this one; return the state reached, None if ended.

    One whose call is in flight stays `calling` until the call settles.
    """
    reached = _SUPERSEDE.scalar(connection, of=sync_id, heir=heir, now=now)
    return None if reached is None else State(reached)


_IS_CALLING = syncs.c.state == State.CALLING.value
_SUPERSEDE = PreparedStatement(
    update(syncs)
    .where(syncs.c.id == bindparam("of"), OPEN)
    .values(
        superseded_by=bindparam("heir"),
        state=case((_IS_CALLING, syncs.c.state), else_=State.SUPERSEDED.value),
        due_at=case((_IS_CALLING, syncs.c.due_at), else_=null()),
        reason=LATER_PUSH,
        updated_at=bindparam("now", type_=syncs.c.updated_at.type),
    )
    .returning(syncs.c.state)
)


def cancel(connection: Connection, sync_id: str, now: datetime) -> Sync | None:
    """End a sync by an operator's wish; return it, or None when its state forbids that.

    A call in flight goes on and is recorded; without the claim it changes the sync no more.
    """
    values = {"due_at": None, "claim": None, "reason": BY_AN_OPERATOR}
    return _operator_transition(connection, sync_id, Event.CANCEL, now, values)


def retry(
    connection: Connection,
    sync: Sync,
    wanted: PlannedSync,
    rules_version: str,
    now: datetime,
    *,
    backfill: bool = False,
) -> Sync | None:
    """Begin an ended sync from new, as it is wanted now; None when its state forbids that."""
    override = wanted.override
    values = {
        **_FROM_NEW,
        "override": override,
        "lane": replace(sync.lane, override=override).key,
        "rule": wanted.rule,
        "rules_version": rules_version,
        "due_at": now,
        "backfill": backfill,
    }
    return _operator_transition(connection, sync.id, Event.RETRY, now, values)


_FROM_NEW: Mapping[str, Any] = {
    **dict.fromkeys(("reason", "error_code", "error_message", "error_remedy", "claim")),
    **dict.fromkeys(("superseded_by", "called_digest", "verified_at")),
    **dict.fromkeys(("waiting_since", "failing_since", "verifying_since")),
    **dict.fromkeys(("attempts", "polls", "failures", "retriggers", "lost_claims"), 0),
    "alone": False,
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


def _error_columns(verdict: Decision) -> dict[str, str | None]:
    error = verdict.error
    return {
        "error_code": None if error is None else error.code,
        "error_message": None if error is None else error.message,
        "error_remedy": None if error is None else error.remedy or None,
    }


def _unless_superseded(values: Mapping[str, Any]) -> Mapping[str, Any]:
    instead = {"state": State.SUPERSEDED.value, "due_at": None, "reason": LATER_PUSH}
    superseded = syncs.c.superseded_by.is_not(None)

    def choose(name: str) -> Any:  # noqa: ANN401  # SQLAlchemy's expressions
        column = syncs.c[name]
        return case(
            (superseded, literal(instead[name], column.type)),
            else_=values[name],
        )

    return {name: choose(name) for name in instead}


# Less than this is not worth it: clocks are slewed all the time.
_NEGLIGIBLE = timedelta(seconds=1)

_TIMES = ("due_at", "updated_at", "waiting_since", "failing_since", "verifying_since")


def shift_due_times(connection: Connection, now: datetime) -> timedelta:
    """Take from the times of open syncs by how much they are ahead; return how much that is.

    Nothing is written under a time to come: what was, was written by a clock that has been set
    back since, and would wait until it is that late again.
    """
    latest: datetime | None = connection.scalar(select(func.max(syncs.c.updated_at)).where(OPEN))
    ahead = timedelta() if latest is None else latest - now
    if ahead < _NEGLIGIBLE:
        return timedelta()
    values = {"now": now, "ahead": ahead // timedelta(microseconds=1)}
    connection.execute(_TAKE_BACK, values)
    return ahead


_NOW, _AHEAD = bindparam("now", type_=Instant), bindparam("ahead", type_=BigInteger)
_TAKE_BACK = (
    update(syncs)
    .where(OPEN, syncs.c.updated_at > _NOW)
    .values(
        {
            name: case(
                (syncs.c[name] > _NOW, type_coerce(syncs.c[name], BigInteger) - _AHEAD),
                else_=syncs.c[name],
            )
            for name in _TIMES
        }
    )
)
