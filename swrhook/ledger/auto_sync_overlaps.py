"""Where SWR's own automatic synchronization overlaps with the rules, as last seen."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, delete, insert, select

from swrhook.ledger.leases import PeriodicLease
from swrhook.ledger.queries.scope import in_scope
from swrhook.ledger.repair_tables import auto_sync_overlaps
from swrhook.ledger.retention import Step
from swrhook.model import Target
from swrhook.rules.namespaces import Namespaces
from swrhook.syncs.auto_sync import AutoSync, Overlap, OverlapKind
from swrhook.syncs.reconciliation import RepositoryRef

# How many are read for one page.
MOST_LISTED = 100


@dataclass(frozen=True, slots=True)
class SeenOverlap:
    """An overlap in a repository, and when it was seen."""

    repository: RepositoryRef
    overlap: Overlap
    seen_at: datetime


def replace_overlaps(
    connection: Connection, ref: RepositoryRef, overlaps: Sequence[Overlap], now: datetime
) -> None:
    """Store the overlaps in a repository instead of those that were seen before."""
    table = auto_sync_overlaps
    connection.execute(
        delete(table).where(
            table.c.source_region == ref.region,
            table.c.namespace == ref.namespace,
            table.c.repository == ref.repository,
        )
    )
    rows = {overlap.auto_sync.target: _row(ref, overlap, now) for overlap in overlaps}
    if rows:
        connection.execute(insert(table), [*rows.values()])


def list_overlaps(connection: Connection, scope: Namespaces | None = None) -> list[SeenOverlap]:
    """Return the overlaps in scope, by repository; one more than MOST_LISTED if there are more."""
    conditions = in_scope(auto_sync_overlaps.c.namespace, scope)
    query = select(auto_sync_overlaps).where(*conditions)
    query = query.order_by(*auto_sync_overlaps.primary_key)
    return [
        SeenOverlap(
            RepositoryRef(row["source_region"], row["namespace"], row["repository"]),
            Overlap(
                AutoSync(Target(row["target_region"], row["target_namespace"]), row["override"]),
                OverlapKind(row["kind"]),
                row["rule"],
            ),
            row["seen_at"],
        )
        for row in connection.execute(query.limit(MOST_LISTED + 1)).mappings()
    ]


def prune_overlaps(work: PeriodicLease, before: datetime, _after: str) -> Step:
    """Delete overlaps that no reconcile has seen since: its repository may be gone, or its rule.

    The table is small, for people set SWR's rules one by one.
    """
    with work.step() as connection:
        is_old = auto_sync_overlaps.c.seen_at < before
        deleted = connection.execute(delete(auto_sync_overlaps).where(is_old)).rowcount
    return Step({"auto_sync_overlaps": deleted}, None)


def _row(ref: RepositoryRef, overlap: Overlap, now: datetime) -> dict[str, object]:
    target = overlap.auto_sync.target
    return {
        "source_region": ref.region,
        "namespace": ref.namespace,
        "repository": ref.repository,
        "target_region": target.region,
        "target_namespace": target.namespace,
        "override": overlap.auto_sync.override,
        "kind": overlap.kind.value,
        "rule": overlap.rule,
        "seen_at": now,
    }
