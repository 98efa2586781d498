"""Backfills and reconciles: their plans in numbers, their findings, and the results of syncs."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, TypeAlias

from sqlalchemy import ColumnElement, Connection, RowMapping, Select, exists, func, select

from swrhook.ledger.queries.pagination import equals, in_values, newer_than, page_ids
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


@dataclass(frozen=True, slots=True)
class RepairExtent:
    """What a repair is about: keys of repositories, or names of organizations.

    Without either, it is about all.
    """

    repositories: Sequence[str] | None
    namespaces: Sequence[str] | None


# How many findings have a drift, `needs_sync` and a sync's state.
FindingCounts: TypeAlias = Sequence[RowMapping]

# The findings of a repair with more of them are not counted for each request.
MOST_COUNTED = 1000
# Repairs that are read at once to find those that a reader may see.
_SKIPPED_AT_ONCE = 500

_REPAIR_COLUMNS = field_columns(repairs, ListedRepair, exclude=("scope", "done", "proposed"))
_FINDING_COLUMNS = field_columns(findings, ListedFinding)


def find_repairs(
    connection: Connection,
    kind: RepairKind | None,
    filters: RepairFilter,
    is_visible: Callable[[RepairExtent], bool] | None = None,
) -> Page[str]:
    """Return a page of the ids of the repairs of a kind, or of all, newest first.

    Those for which `is_visible` is false are skipped. Pages and their cursors tell nothing of
    these, not even how many there are.
    """
    conditions = newer_than(repairs, repairs.c.created_at, filters.since)
    walk = [] if kind is None else [repairs.c.kind == kind.value]
    if is_visible is None:
        return Page(*page_ids(connection, repairs, filters, [walk], conditions))
    query = _extents(*walk, *conditions).order_by(repairs.c.id.desc())
    if filters.cursor is not None:
        query = query.where(repairs.c.id < filters.cursor)
    rows = connection.execute(query.execution_options(yield_per=_SKIPPED_AT_ONCE))
    visible = (row.id for row in rows if is_visible(_extent(row)))
    ids = list(islice(visible, filters.limit + 1))
    rows.close()
    page = ids[: filters.limit]
    return Page(page, page[-1] if len(ids) > filters.limit else None)


def find_extent(
    connection: Connection, kind: RepairKind | None, repair_id: str
) -> RepairExtent | None:
    """Return what a repair is about; with a kind, only of one of that."""
    query = _extents(repairs.c.id == repair_id, *equals(repairs.c.kind, kind and kind.value))
    row = connection.execute(query).one_or_none()
    return None if row is None else _extent(row)


def large_repairs(connection: Connection, ids: Sequence[str]) -> list[tuple[str, str]]:
    """Return the repairs with more than MOST_COUNTED findings, and their stages."""
    of_repair = findings.c.repair == repairs.c.id
    has_more = exists(select(findings.c.id).where(of_repair).offset(MOST_COUNTED).limit(1))
    query = select(repairs.c.id, repairs.c.stage).where(repairs.c.id.in_(ids), has_more)
    return [(row.id, row.stage) for row in connection.execute(query)]


def read_repairs(
    connection: Connection, ids: Sequence[str], counted: Mapping[str, FindingCounts] = {}
) -> list[ListedRepair]:
    """Return repairs, newest first. The findings of those that are not `counted` are counted."""
    query = select(repairs).where(repairs.c.id.in_(ids)).order_by(repairs.c.id.desc())
    left = [repair_id for repair_id in ids if repair_id not in counted]
    counts = {**counted, **_count_findings(connection, left)}
    return [_repair(row, counts.get(row["id"], ())) for row in connection.execute(query).mappings()]


def count_findings(connection: Connection, repair_id: str) -> FindingCounts:
    """Count the findings of a repair, and the states of their syncs: reads all of them."""
    return _count_findings(connection, [repair_id]).get(repair_id, ())


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


def _extents(*conditions: ColumnElement[bool]) -> Select[Any]:
    return select(repairs.c.id, repairs.c.repositories, repairs.c.scope).where(*conditions)


def _extent(row: Any) -> RepairExtent:  # noqa: ANN401  # a row
    if row.scope is not None:
        return RepairExtent(None, row.scope["namespaces"])
    return RepairExtent(row.repositories, None)


def _count_findings(connection: Connection, ids: Sequence[str]) -> dict[str, FindingCounts]:
    """Return counts of findings by repair id, each for a drift, `needs_sync`, and sync's state."""
    columns = (findings.c.repair, findings.c.drift, findings.c.needs_sync, syncs.c.state)
    query = (
        select(*columns, func.count().label("count_"))
        .select_from(findings.outerjoin(syncs, findings.c.sync == syncs.c.id))
        .where(findings.c.repair.in_(ids))
        .group_by(*columns)
    )
    rows = connection.execute(query).mappings()
    return {**group((row["repair"], row) for row in rows)}


def _repair(row: RowMapping, counts: FindingCounts) -> ListedRepair:
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
