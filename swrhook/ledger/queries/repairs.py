"""Backfills and reconciles: their plans in numbers, their findings, and the results of syncs."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection, RowMapping, func, select

from swrhook.ledger.queries.pagination import in_values, newer_than, page_ids
from swrhook.ledger.queries.views import Page, PageFilter
from swrhook.ledger.repair_tables import findings, repairs
from swrhook.ledger.rows import field_columns, group
from swrhook.ledger.tables import syncs
from swrhook.syncs.reconciliation import Drift, RepairKind, Stage
from swrhook.wording.storage import restore_note, restore_optional


@dataclass(frozen=True, slots=True)
class ListedPlan:
    """The findings of a repair, counted by drift, and the cost of fixing them.

    `to_sync` is the number of tags that get a sync. `sync_images` estimates the calls that this
    takes, and `looks` the requests that read tags.
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
class ListedScope:
    """What a repair of whole organizations is about; null means all of a kind."""

    namespaces: Sequence[str] | None
    region: str | None
    target_region: str | None
    rules: Sequence[str] | None


@dataclass(frozen=True, slots=True)
class ListedRepair:
    """A repair as the API shows it; `results` counts its syncs by state.

    `done` of `total` repositories are compared; `eta` is when all will be, at the present rate.
    """

    id: str
    kind: str
    state: str
    repositories: Sequence[str] | None
    scope: ListedScope | None
    sender: str | None
    rule: str | None
    report: bool
    scheduled: bool
    proposed: bool
    max_calls: int | None
    calls: int
    done: int
    total: int | None
    eta: datetime | None
    plan: ListedPlan
    ordered: int
    results: Mapping[str, int]
    notes: Sequence[str]
    created_at: datetime
    updated_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class ListedFinding:
    """One tag at one target as a repair found it, and the sync that fixes it with its state.

    `target_digest` is the digest that the target has.
    """

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
    target_digest: str | None
    reason: str | None
    sync: str | None
    state: str | None


@dataclass(frozen=True, slots=True)
class RepairFilter(PageFilter):
    """Which repairs to list; None matches all."""

    since: datetime | None = None


@dataclass(frozen=True, slots=True)
class FindingFilter(PageFilter):
    """Which findings of a repair to list; an empty `drift` matches all."""

    drift: frozenset[str] = frozenset()


_REPAIR_COLUMNS = field_columns(repairs, ListedRepair, exclude=("scope", "done", "proposed"))
_FINDING_COLUMNS = field_columns(findings, ListedFinding)


def list_repairs(
    connection: Connection, kind: RepairKind | None, filters: RepairFilter
) -> Page[ListedRepair]:
    """Return a page of the repairs of a kind, or of all, newest first."""
    conditions = newer_than(repairs, repairs.c.created_at, filters.since)
    walk = [] if kind is None else [repairs.c.kind == kind.value]
    ids, cursor = page_ids(connection, repairs, filters, [walk], conditions)
    return Page(_repairs(connection, ids), cursor)


def find_repair(
    connection: Connection, kind: RepairKind | None, repair_id: str
) -> ListedRepair | None:
    """Return a repair by its id; with a kind, only one of that."""
    listed = _repairs(connection, [repair_id])
    return next((repair for repair in listed if kind in (None, repair.kind)), None)


def list_findings(
    connection: Connection, repair_id: str, filters: FindingFilter
) -> Page[ListedFinding]:
    """Return a page of a repair's findings, newest first."""
    conditions = [in_values(findings.c.drift, filters.drift)] if filters.drift else []
    walk = [findings.c.repair == repair_id]
    ids, cursor = page_ids(connection, findings, filters, [walk], conditions)
    query = (
        select(*_FINDING_COLUMNS, syncs.c.state)
        .select_from(findings.outerjoin(syncs, findings.c.sync == syncs.c.id))
        .where(findings.c.id.in_(ids))
        .order_by(findings.c.id.desc())
    )
    return Page([_finding(row) for row in connection.execute(query).mappings()], cursor)


def _finding(row: RowMapping) -> ListedFinding:
    return ListedFinding(**{**row, "reason": restore_optional(row["reason"], {})})


def _repairs(connection: Connection, ids: Sequence[str]) -> list[ListedRepair]:
    query = select(repairs).where(repairs.c.id.in_(ids)).order_by(repairs.c.id.desc())
    counts = _counts(connection, ids)
    return [_repair(row, counts.get(row["id"], [])) for row in connection.execute(query).mappings()]


def _counts(connection: Connection, ids: Sequence[str]) -> dict[str, list[RowMapping]]:
    """Return counts of findings by repair id, each for a drift, `needs_sync`, and sync's state."""
    columns = (findings.c.repair, findings.c.drift, findings.c.needs_sync, syncs.c.state)
    query = (
        select(*columns, func.count().label("count_"))
        .select_from(findings.outerjoin(syncs, findings.c.sync == syncs.c.id))
        .where(findings.c.repair.in_(ids))
        .group_by(*columns)
    )
    return group((row["repair"], row) for row in connection.execute(query).mappings())


def _repair(row: RowMapping, counts: Sequence[RowMapping]) -> ListedRepair:
    by_drift = Counter(dict.fromkeys((drift.value for drift in Drift), 0))
    results: Counter[str] = Counter()
    for count in counts:
        by_drift[count["drift"]] += count["count_"]
        if count["state"] is not None:
            results[count["state"]] += count["count_"]
    scope = row["scope"]
    by_drift[Drift.SAME.value] += row["same"] or 0
    plan = ListedPlan(
        to_sync=sum(count["count_"] for count in counts if count["needs_sync"]),
        sync_images=row["planned_calls"],
        looks=row["planned_reads"],
        **by_drift,
    )
    values: dict[str, Any] = {column.name: row[column.name] for column in _REPAIR_COLUMNS}
    values |= {"scope": scope and ListedScope(**scope), "eta": _eta(row)}
    values |= {"done": row["done"] or 0, "proposed": bool(row["proposed"])}
    values["notes"] = [restore_note(note) for note in row["notes"]]
    if scope is not None:
        values["repositories"] = None
    return ListedRepair(
        state=row["stage"],
        report=row["report_only"],
        scheduled=row["previous"] is not None,
        plan=plan,
        ordered=results.total(),
        results=results,
        **values,
    )


def _eta(row: RowMapping) -> datetime | None:
    """Return when all repositories will be compared, if they go on as until now."""
    if row["stage"] != Stage.COMPARING.value or not row["done"] or not row["total"]:
        return None
    took: timedelta = row["updated_at"] - row["created_at"]
    left = max(row["total"] - row["done"], 0)
    eta: datetime = row["updated_at"] + took / row["done"] * left
    return eta
