"""Backfills and reconciles on their way: begun, claimed for a step, advanced, ended.

A step is done by the process that holds the claim. One that vanished loses it after a while, and
another goes on behind the last repository that is done.
"""

from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, and_, insert, or_, select, update

from swrhook.ledger.sql import upsert
from swrhook.ledger.tables import lanes, repairs
from swrhook.ledger.types import new_id
from swrhook.syncs.reconciliation import (
    ACTIVE_STAGES,
    CANCELLABLE_STAGES,
    Progress,
    Repair,
    RepairKind,
    RepairRequest,
    RepositoryRef,
    Stage,
)

# So long a process may be silent about its step; each request to SWR renews this.
LEASE = timedelta(minutes=2)

_COLUMNS = (
    "id",
    "places",
    "sender",
    "rule",
    "reports_only",
    "asks",
    "max_calls",
    "cursor",
    "calls",
    "planned_calls",
    "planned_looks",
    "tries",
)
_REPAIR = [repairs.c[name] for name in (*_COLUMNS, "kind", "stage")]
_MOST_NOTES = 100


def begin(connection: Connection, wish: RepairRequest, now: datetime) -> str:
    """Begin a repair and return its id. One of all repositories goes on where the last stopped."""
    places = wish.places
    row = _row(wish, now) | {
        "places": None if places is None else sorted({place.key for place in places}),
        "cursor": _last_cursor(connection) if places is None else "",
    }
    connection.execute(insert(repairs), row)
    return str(row["id"])


def begin_scheduled(
    connection: Connection, every: timedelta, max_calls: int, now: datetime
) -> str | None:
    """Begin a reconcile if it is time, whichever process asks first; return its id."""
    last = connection.execute(
        select(repairs.c.id, repairs.c.stage, repairs.c.created_at)
        .where(repairs.c.kind == RepairKind.RECONCILE.value, repairs.c.follows.is_not(None))
        .order_by(repairs.c.id.desc())
        .limit(1)
    ).one_or_none()
    if last is not None:
        is_early = timedelta() <= now - last.created_at < every
        if is_early or last.stage in {stage.value for stage in ACTIVE_STAGES}:
            return None
    row = _row(RepairRequest(RepairKind.RECONCILE, max_calls=max_calls), now) | {
        "places": None,
        "cursor": _last_cursor(connection),
        "follows": "first" if last is None else last.id,
    }
    place = upsert(connection, repairs).on_conflict_do_nothing(index_elements=["follows"])
    won = connection.execute(place.values(**row).returning(repairs.c.id)).scalar()
    return None if won is None else str(won)


def claim_next(connection: Connection, now: datetime) -> tuple[Repair, str] | None:
    """Claim the repair whose turn it is for a step; return it and the claim, None without one."""
    free = or_(
        repairs.c.claim.is_(None),
        repairs.c.claimed_until < now,
        repairs.c.claimed_until > now + 2 * LEASE,  # by a clock that has been set back since
    )
    due = and_(repairs.c.stage.in_([*ACTIVE_STAGES]), repairs.c.due_at <= now, free)
    wanted = connection.scalar(
        select(repairs.c.id).where(due).order_by(repairs.c.due_at, repairs.c.id).limit(1)
    )
    claim = new_id()
    row = (
        connection.execute(
            update(repairs)
            .where(repairs.c.id == wanted, due)
            .values(claim=claim, claimed_until=now + LEASE)
            .returning(*_REPAIR)
        )
        .mappings()
        .one_or_none()
    )
    return None if row is None else (to_repair(row), claim)


def renew_lease(connection: Connection, claim: str, now: datetime) -> bool:
    """Hold the claim for longer; False when it is lost, or the repair was cancelled."""
    return _change(connection, claim, {"claimed_until": now + LEASE})


def advance(connection: Connection, claim: str, now: datetime, progress: Progress) -> bool:
    """End a step with what it came to; False, and nothing is changed, when the claim is lost."""
    values: dict[str, Any] = {
        "stage": progress.stage.value,
        "due_at": progress.due_at,
        "updated_at": now,
        "claim": None,
        "calls": repairs.c.calls + progress.calls,
        "planned_calls": repairs.c.planned_calls + progress.cost.calls,
        "planned_looks": repairs.c.planned_looks + progress.cost.looks,
    }
    if progress.stage is Stage.DONE:
        values["ended_at"] = now
    if progress.cursor is not None:
        values |= {"cursor": progress.cursor, "tries": 0}
    return _change(connection, claim, values)


def postpone(
    connection: Connection, claim: str, now: datetime, due_at: datetime, calls: int
) -> bool:
    """Try the step again then; False as `advance`."""
    values = {
        "due_at": due_at,
        "updated_at": now,
        "claim": None,
        "calls": repairs.c.calls + calls,
        "tries": repairs.c.tries + 1,
    }
    return _change(connection, claim, values)


def add_note(connection: Connection, repair_id: str, text: str) -> None:
    """Keep why something could not be compared; the first hundred times."""
    notes = connection.scalar(
        select(repairs.c.notes).where(repairs.c.id == repair_id).with_for_update()
    )
    if notes is not None and len(notes) < _MOST_NOTES:
        changed = [*notes, text]
        connection.execute(update(repairs).where(repairs.c.id == repair_id).values(notes=changed))


def start(connection: Connection, repair_id: str, now: datetime) -> bool:
    """Go on with a plan that a person agrees to; False when it is not one that waits for this."""
    values = {"stage": Stage.ORDERING.value, "due_at": now, "updated_at": now}
    statement = update(repairs).where(
        repairs.c.id == repair_id, repairs.c.stage == Stage.PLANNED.value
    )
    return connection.execute(statement.values(values)).rowcount == 1


def stop(connection: Connection, repair_id: str, now: datetime) -> bool:
    """Cancel a repair; False when it has ended. Whoever works on it finds its claim gone."""
    values = {
        "stage": Stage.CANCELLED.value,
        "updated_at": now,
        "ended_at": now,
        "claim": None,
    }
    statement = update(repairs).where(
        repairs.c.id == repair_id, repairs.c.stage.in_([*CANCELLABLE_STAGES])
    )
    return connection.execute(statement.values(values)).rowcount == 1


def forget_claims(connection: Connection) -> None:
    """Note that nobody works on a repair: the only process that did is gone."""
    connection.execute(update(repairs).where(repairs.c.claim.is_not(None)).values(claim=None))


def next_place(connection: Connection, repair: Repair) -> RepositoryRef | None:
    """Return the repository that is to be compared next."""
    if repair.places is not None:
        left = sorted(key for key in repair.places if key > repair.cursor)
        return RepositoryRef.from_key(left[0]) if left else None
    columns = [lanes.c.source_region, lanes.c.namespace, lanes.c.repository]
    done = RepositoryRef.from_key(repair.cursor) if repair.cursor else RepositoryRef("", "", "")
    region, namespace, repository = columns
    behind = or_(
        region > done.region,
        and_(region == done.region, namespace > done.namespace),
        and_(region == done.region, namespace == done.namespace, repository > done.repository),
    )
    query = select(*columns).where(behind).order_by(*columns).limit(1)
    row = connection.execute(query).one_or_none()
    return None if row is None else RepositoryRef(*row)


def to_repair(row: RowMapping) -> Repair:
    """Read a repair from a row."""
    values = {name: row[name] for name in _COLUMNS}
    return Repair(kind=RepairKind(row["kind"]), stage=Stage(row["stage"]), **values)


def _change(connection: Connection, claim: str, values: dict[str, Any]) -> bool:
    statement = update(repairs).where(repairs.c.claim == claim).values(values)
    return connection.execute(statement).rowcount == 1


def _last_cursor(connection: Connection) -> str:
    """Return where the last reconcile of all repositories stopped; empty at the end."""
    query = (
        select(repairs.c.cursor)
        .where(
            repairs.c.kind == RepairKind.RECONCILE.value,
            repairs.c.places.is_(None),
            repairs.c.stage == Stage.DONE.value,
        )
        .order_by(repairs.c.id.desc())
        .limit(1)
    )
    return connection.scalar(query) or ""


def _row(wish: RepairRequest, now: datetime) -> dict[str, Any]:
    return {
        "id": new_id(),
        "kind": wish.kind.value,
        "stage": Stage.COMPARING.value,
        "sender": wish.sender,
        "rule": wish.rule,
        "reports_only": wish.reports_only,
        "asks": wish.asks,
        "max_calls": wish.max_calls,
        "calls": 0,
        "planned_calls": 0,
        "planned_looks": 0,
        "notes": [],
        "follows": None,
        "tries": 0,
        "due_at": now,
        "created_at": now,
        "updated_at": now,
    }
