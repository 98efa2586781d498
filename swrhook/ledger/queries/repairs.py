"""Backfills and reconciles as the API shows them: plans in numbers, and each tag's result."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select

from swrhook.ledger.queries.pagination import in_values, newer_than, newest_ids, to_page
from swrhook.ledger.queries.views import USUAL_LIMIT, Page
from swrhook.ledger.tables import findings, repairs, syncs
from swrhook.syncs.reconciliation import Drift, RepairKind

_COLUMNS = (
    "id",
    "kind",
    "sender",
    "rule",
    "max_calls",
    "calls",
    "notes",
    "created_at",
    "updated_at",
    "ended_at",
)
_FINDING_COLUMNS = (
    "id",
    "source_region",
    "namespace",
    "repository",
    "tag",
    "digest",
    "target_region",
    "target_namespace",
    "override",
    "rule",
    "drift",
    "reason",
    "sync",
)


@dataclass(frozen=True, slots=True)
class ListedPlan:
    """What was found, by what targets hold, and what mending it takes.

    `to_sync` tags get a sync; that takes about so many calls of sync_images, and looks.
    """

    same: int
    missing: int
    diverged: int
    unwanted: int
    unreadable: int
    to_sync: int
    sync_images: int
    looks: int


@dataclass(frozen=True, slots=True)
class ListedRepair:
    """A repair as the API shows it; `results` counts its syncs by state."""

    id: str
    kind: str
    state: str
    repositories: Sequence[str] | None
    sender: str | None
    rule: str | None
    report: bool
    scheduled: bool
    max_calls: int | None
    calls: int
    plan: ListedPlan
    ordered: int
    results: Mapping[str, int]
    notes: Sequence[str]
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class ListedFinding:
    """One tag at one target as a repair found it, and the sync that mends it."""

    id: str
    source_region: str
    namespace: str
    repository: str
    tag: str
    digest: str | None
    target_region: str
    target_namespace: str
    override: bool
    rule: str
    drift: str
    held: str | None
    reason: str | None
    sync: str | None
    state: str | None


@dataclass(frozen=True, slots=True)
class RepairFilter:
    """Which repairs; `cursor` is the last id seen."""

    since: datetime | None = None
    limit: int = USUAL_LIMIT
    cursor: str | None = None


@dataclass(frozen=True, slots=True)
class FindingFilter:
    """Which findings of a repair; an empty `drift` leaves that open."""

    drift: frozenset[str] = frozenset()
    limit: int = USUAL_LIMIT
    cursor: str | None = None


def list_repairs(
    connection: Connection, kind: RepairKind, wanted: RepairFilter
) -> Page[ListedRepair]:
    """Return a page of the repairs of a kind, newest first."""
    conditions = newer_than(repairs, repairs.c.created_at, wanted.since, wanted.cursor)
    walk = [repairs.c.kind == kind.value]
    ids = newest_ids(connection, repairs, [walk], conditions, wanted.limit + 1)
    return to_page(_repairs(connection, ids[: wanted.limit]), has_more=len(ids) > wanted.limit)


def find_repair(connection: Connection, kind: RepairKind, repair_id: str) -> ListedRepair | None:
    """Return a repair of a kind by its id."""
    found = _repairs(connection, [repair_id])
    return next((each for each in found if each.kind == kind.value), None)


def list_findings(
    connection: Connection, repair_id: str, wanted: FindingFilter
) -> Page[ListedFinding]:
    """Return a page of what a repair found."""
    conditions = newer_than(findings, repairs.c.created_at, None, wanted.cursor)
    if wanted.drift:
        conditions.append(in_values(findings.c.drift, wanted.drift))
    walk = [findings.c.repair == repair_id]
    ids = newest_ids(connection, findings, [walk], conditions, wanted.limit + 1)
    query = (
        select(
            *(findings.c[name] for name in _FINDING_COLUMNS),
            findings.c.target_digest.label("held"),
            syncs.c.state,
        )
        .select_from(findings.outerjoin(syncs, findings.c.sync == syncs.c.id))
        .where(findings.c.id.in_(ids[: wanted.limit]))
        .order_by(findings.c.id.desc())
    )
    found = [ListedFinding(**row) for row in connection.execute(query).mappings()]
    return to_page(found, has_more=len(ids) > wanted.limit)


def _repairs(connection: Connection, ids: Sequence[str]) -> list[ListedRepair]:
    query = select(repairs).where(repairs.c.id.in_(ids)).order_by(repairs.c.id.desc())
    counted = _counts(connection, ids)
    return [
        _repair(row, counted.get(row["id"], [])) for row in connection.execute(query).mappings()
    ]


def _counts(connection: Connection, ids: Sequence[str]) -> dict[str, list[RowMapping]]:
    columns = (findings.c.repair, findings.c.drift, findings.c.needs_sync, syncs.c.state)
    query = (
        select(*columns, func.count().label("count_"))
        .select_from(findings.outerjoin(syncs, findings.c.sync == syncs.c.id))
        .where(findings.c.repair.in_(ids))
        .group_by(*columns)
    )
    counted: dict[str, list[RowMapping]] = {}
    for row in connection.execute(query).mappings():
        counted.setdefault(row["repair"], []).append(row)
    return counted


def _repair(row: RowMapping, counted: Sequence[RowMapping]) -> ListedRepair:
    by_drift = dict.fromkeys((drift.value for drift in Drift), 0)
    results: dict[str, int] = {}
    for each in counted:
        by_drift[each["drift"]] += each["count_"]
        if each["state"] is not None:
            results[each["state"]] = results.get(each["state"], 0) + each["count_"]
    plan = ListedPlan(
        to_sync=sum(each["count_"] for each in counted if each["needs_sync"]),
        sync_images=row["planned_calls"],
        looks=row["planned_reads"],
        **by_drift,
    )
    values: dict[str, Any] = {name: row[name] for name in _COLUMNS}
    return ListedRepair(
        state=row["stage"],
        repositories=row["repositories"],
        report=row["report_only"],
        scheduled=row["previous"] is not None,
        plan=plan,
        ordered=sum(results.values()),
        results=results,
        **values,
    )
