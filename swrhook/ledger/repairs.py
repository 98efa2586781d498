"""The state of repairs (backfills and reconciles): begin, claim, advance, start, stop.

A repair runs in steps. A step is done by the process that holds the claim, which is a lease: a
process that died loses it, and another one continues after the last repository compared.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, RowMapping, func, insert, or_, select, update

from swrhook.ledger import discovery
from swrhook.ledger.repair_tables import repairs
from swrhook.ledger.rows import field_columns
from swrhook.ledger.sql import upsert
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
from swrhook.syncs.scope import Scope

# A claim lasts so long; each request to SWR renews it.
LEASE = timedelta(minutes=2)

_COLUMNS = field_columns(repairs, Repair)
_MOST_NOTES = 100


def begin(connection: Connection, request: RepairRequest, now: datetime) -> str:
    """Begin a repair; return its id."""
    row = _row(request, now)
    connection.execute(insert(repairs), row)
    return str(row["id"])


def begin_scheduled(
    connection: Connection, every: timedelta, max_calls: int, now: datetime
) -> str | None:
    """Begin a reconcile if the last scheduled one is `every` ago; return its id.

    All processes call this; one of them begins it, and the others get None.
    """
    last = connection.execute(
        select(repairs.c.id, repairs.c.stage, repairs.c.created_at)
        .where(repairs.c.kind == RepairKind.RECONCILE.value, repairs.c.previous.is_not(None))
        .order_by(repairs.c.id.desc())
        .limit(1)
    ).one_or_none()
    if last is not None:
        is_early = timedelta() <= now - last.created_at < every
        if is_early or last.stage in {stage.value for stage in ACTIVE_STAGES}:
            return None
    row = _row(RepairRequest(RepairKind.RECONCILE, max_calls=max_calls), now)
    row["previous"] = "first" if last is None else last.id
    # `previous` is unique: of two processes that saw the same last one, one inserts the next.
    statement = upsert(connection, repairs).on_conflict_do_nothing(index_elements=["previous"])
    repair_id = connection.execute(statement.values(**row).returning(repairs.c.id)).scalar()
    return None if repair_id is None else str(repair_id)


def next_due(connection: Connection, now: datetime) -> str | None:
    """Return the id of the repair that is due first, None when none is due."""
    query = select(repairs.c.id).where(*_is_due(now)).order_by(repairs.c.due_at, repairs.c.id)
    repair_id: str | None = connection.scalar(query.limit(1))
    return repair_id


def claim_next(connection: Connection, now: datetime) -> tuple[Repair, str] | None:
    """Claim the repair that is due first; return it and the claim, None when none is due."""
    repair_id = next_due(connection, now)
    if repair_id is None:
        return None
    claim = new_id()
    statement = (
        update(repairs)
        # Another process may have claimed it since.
        .where(repairs.c.id == repair_id, *_is_due(now))
        .values(claim=claim, claimed_until=now + LEASE)
        .returning(*_COLUMNS)
    )
    row = connection.execute(statement).mappings().one_or_none()
    return None if row is None else (to_repair(row), claim)


def renew_lease(connection: Connection, claim: str, now: datetime) -> bool:
    """Renew a claim; False when it is lost, or the repair was cancelled."""
    return _update(connection, {"claimed_until": now + LEASE}, repairs.c.claim == claim)


def advance(connection: Connection, claim: str, now: datetime, progress: Progress) -> bool:
    """End a step with its progress; False, and nothing is changed, when the claim is lost."""
    values: dict[str, Any] = {
        "stage": progress.stage.value,
        "due_at": progress.due_at,
        "updated_at": now,
        "claim": None,
        "calls": repairs.c.calls + progress.calls,
        "planned_calls": repairs.c.planned_calls + progress.cost.calls,
        "planned_reads": repairs.c.planned_reads + progress.cost.reads,
        "done": func.coalesce(repairs.c.done, 0) + progress.done,
        "same": func.coalesce(repairs.c.same, 0) + progress.same,
    }
    if progress.total is not None:
        values["total"] = progress.total
    if progress.stage is Stage.DONE:
        values["ended_at"] = now
    if progress.cursor is not None:
        values |= {"cursor": progress.cursor, "tries": 0}
    return _update(connection, values, repairs.c.claim == claim)


def postpone(
    connection: Connection, claim: str, now: datetime, due_at: datetime, calls: int
) -> bool:
    """End a step that failed, to be tried again at `due_at`; False when the claim is lost."""
    values = {
        "due_at": due_at,
        "updated_at": now,
        "claim": None,
        "calls": repairs.c.calls + calls,
        "tries": repairs.c.tries + 1,
    }
    return _update(connection, values, repairs.c.claim == claim)


def add_note(connection: Connection, repair_id: str, text: str) -> None:
    """Note why something could not be compared; a repair keeps its first hundred notes."""
    notes = connection.scalar(
        select(repairs.c.notes).where(repairs.c.id == repair_id).with_for_update()
    )
    if notes is not None and len(notes) < _MOST_NOTES:
        values = {"notes": [*notes, text]}
        _update(connection, values, repairs.c.id == repair_id)


def start(connection: Connection, repair_id: str, now: datetime) -> bool:
    """Carry out a plan that an operator confirmed; False when the repair is not `planned`."""
    values = {"stage": Stage.ORDERING.value, "due_at": now, "updated_at": now}
    is_planned = repairs.c.stage == Stage.PLANNED.value
    return _update(connection, values, repairs.c.id == repair_id, is_planned)


def stop(connection: Connection, repair_id: str, now: datetime) -> bool:
    """Cancel a repair, and so the claim of a running step; False when the repair has ended."""
    values = {"stage": Stage.CANCELLED.value, "updated_at": now, "ended_at": now, "claim": None}
    is_cancellable = repairs.c.stage.in_([*CANCELLABLE_STAGES])
    return _update(connection, values, repairs.c.id == repair_id, is_cancellable)


def forget_claims(connection: Connection) -> None:
    """Release all claims, at the start of the only process that uses the ledger."""
    connection.execute(update(repairs).where(repairs.c.claim.is_not(None)).values(claim=None))


def next_repository(connection: Connection, repair: Repair) -> RepositoryRef | None:
    """Return the repository to compare next, None after the last one."""
    if repair.scope is not None:
        return _next_in_scope(connection, repair, repair.scope)
    if repair.repositories is not None:
        left = sorted(key for key in repair.repositories if key > repair.cursor)
        return RepositoryRef.from_key(left[0]) if left else None
    return discovery.next_to_visit(connection, repair.created_at)


def _next_in_scope(connection: Connection, repair: Repair, scope: Scope) -> RepositoryRef | None:
    after = RepositoryRef.from_key(repair.cursor) if repair.cursor else RepositoryRef("", "", "")
    names = discovery.organizations_in_scope(connection, scope)
    return discovery.next_by_name(connection, after, scope.region, names)


def count_repositories(connection: Connection, scope: Scope | None) -> int:
    """Return how many repositories a repair of a scope, or of all, compares."""
    if scope is None:
        return discovery.count_repositories(connection)
    names = discovery.organizations_in_scope(connection, scope)
    return discovery.count_repositories(connection, scope.region, names)


def to_repair(row: RowMapping) -> Repair:
    """Return the repair of a row that has its columns."""
    values: Mapping[str, Any] = {column.name: row[column.name] for column in _COLUMNS}
    scope = row["scope"]
    return Repair(
        **{
            **values,
            "kind": RepairKind(row["kind"]),
            "stage": Stage(row["stage"]),
            "scope": scope and Scope(**scope),
            "done": row["done"] or 0,
            "proposed": bool(row["proposed"]),
        }
    )


def _is_due(now: datetime) -> Sequence[ColumnElement[bool]]:
    is_free = or_(
        repairs.c.claim.is_(None),
        repairs.c.claimed_until < now,
        repairs.c.claimed_until > now + 2 * LEASE,  # set by a clock that was set back since
    )
    return repairs.c.stage.in_([*ACTIVE_STAGES]), repairs.c.due_at <= now, is_free


def _update(
    connection: Connection, values: Mapping[str, Any], *conditions: ColumnElement[bool]
) -> bool:
    """Update the repair that meets the conditions; tell whether there was one."""
    return connection.execute(update(repairs).where(*conditions).values(values)).rowcount == 1


def _row(request: RepairRequest, now: datetime) -> dict[str, Any]:
    refs, scope = request.repositories, request.scope
    # Programs that know no scope must find nothing to compare in it.
    names = [] if scope is not None else refs and sorted({ref.key for ref in refs})
    is_named = refs is not None and scope is None
    return {
        "id": new_id(),
        "kind": request.kind.value,
        "stage": (Stage.COMPARING if is_named else Stage.DISCOVERING).value,
        "repositories": names,
        "sender": request.sender,
        "rule": request.rule,
        "report_only": request.report_only,
        "needs_confirmation": request.needs_confirmation,
        "max_calls": request.max_calls,
        "scope": scope and asdict(scope),
        "proposed": request.proposed,
        "total": len(names or ()) if is_named else None,
        "cursor": "",
        "notes": [],
        **dict.fromkeys(("calls", "planned_calls", "planned_reads", "tries", "done", "same"), 0),
        **dict.fromkeys(("due_at", "created_at", "updated_at"), now),
    }
