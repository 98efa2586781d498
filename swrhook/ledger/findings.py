"""What a repair found, and the syncs that mend it: recorded in portions, behind fresh pushes."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, RowMapping, bindparam, false, func, insert, select, update

from swrhook.ledger.bulk_insert import insert_rows
from swrhook.ledger.deduplication import Batch, add_sync, tag_key
from swrhook.ledger.deliveries import INSERT_SYNC, lock_tags
from swrhook.ledger.lanes import schedule_lanes
from swrhook.ledger.rows import WHOLE_SYNC, to_sync
from swrhook.ledger.syncs import cancel, retry
from swrhook.ledger.tables import LATEST, OPEN, TO_ORDER, findings, syncs
from swrhook.ledger.types import new_id
from swrhook.model import OPEN_STATES, Lane, PlannedSync, Push, State, Sync, Target, route
from swrhook.syncs.reconciliation import Finding, RepositoryRef

# Ends after which the same row is tried again; after the others a new one carries on.
_AGAIN = frozenset(
    {State.UNVERIFIED, State.DIVERGED, State.MISSING, State.REJECTED, State.EXHAUSTED}
    | {State.CANCELLED}
)


def keep_findings(
    connection: Connection, repair_id: str, found: Sequence[Finding], *, latest: bool
) -> None:
    """Write what a repair found in a repository; `latest` makes it what is known of its drift."""
    rows = [_row(repair_id, each, latest=latest) for each in found]
    insert_rows(connection, _INSERT_FINDING, rows)


_INSERT_FINDING = insert(findings)


def mark_outdated(connection: Connection, place: RepositoryRef) -> None:
    """Note that what earlier reconciles found in a repository is not the latest any more."""
    connection.execute(
        update(findings)
        .where(
            findings.c.namespace == place.namespace,
            findings.c.repository == place.repository,
            LATEST,
            findings.c.source_region == place.region,
        )
        .values(latest=false())
    )


def verified_syncs(connection: Connection, place: RepositoryRef) -> list[PlannedSync]:
    """Return what was proven to have been copied from a repository, by tag and target."""
    newest = (
        select(func.max(syncs.c.id))
        .where(
            syncs.c.namespace == place.namespace,
            syncs.c.repository == place.repository,
            syncs.c.source_region == place.region,
            syncs.c.state == State.VERIFIED.value,
        )
        .group_by(syncs.c.route)
    )
    rows = connection.execute(select(*WHOLE_SYNC).where(syncs.c.id.in_(newest)))
    return [_as_planned(to_sync(row)) for row in rows.mappings()]


@dataclass(frozen=True, slots=True)
class Portion:
    """A portion of a repair's syncs as recorded, and whether it was the last."""

    lanes: Sequence[Lane]
    is_last: bool


def record_portion(
    connection: Connection, repair_id: str, rules_version: str, now: datetime, most: int
) -> Portion:
    """Record the next syncs of a repair, and note that their lanes are to run now.

    Where a sync of the same tag to the same target is under way, it stands for the new one, and
    keeps its turn: a fresh push is never made to wait. One that ended badly is tried again.
    """
    rows = (
        connection.execute(
            select(findings)
            .where(findings.c.repair == repair_id, TO_ORDER)
            .order_by(findings.c.id)
            .limit(most)
        )
        .mappings()
        .all()
    )
    wanted = {row["id"]: _to_planned(row) for row in rows}
    lock_tags(connection, {tag_key(sync.push) for sync in wanted.values()})
    newest = _newest_by_route(connection, rows)
    batch = Batch({}, {})
    woken: dict[Lane, None] = {}
    carried: list[dict[str, str]] = []
    for row in rows:
        sync = wanted[row["id"]]
        earlier = newest.get(row["route"])
        if earlier is not None and earlier.state in _AGAIN:
            retry(connection, earlier, sync, rules_version, now, backfill=True)
            woken[sync.lane] = None
        elif earlier is None or earlier.state not in OPEN_STATES:
            earlier = None
            add_sync(batch, sync, rules_version, now, backfill=True)
        carrier = batch.newest[row["route"]] if earlier is None else earlier.id
        carried.append({"finding": row["id"], "carrier": carrier})
    insert_rows(connection, INSERT_SYNC, list(batch.syncs.values()))
    if carried:
        connection.execute(
            update(findings)
            .where(findings.c.id == bindparam("finding"))
            .values(sync=bindparam("carrier")),
            carried,
        )
    lanes = schedule_lanes(connection, {**batch.lanes, **woken}, now)
    return Portion(lanes, is_last=len(rows) < most)


def count_open(connection: Connection, repair_id: str) -> int:
    """Return how many of the syncs that a repair recorded have not ended."""
    joined = findings.join(syncs, findings.c.sync == syncs.c.id)
    query = select(func.count()).select_from(joined).where(findings.c.repair == repair_id, OPEN)
    return connection.scalar(query) or 0


def cancel_waiting(connection: Connection, repair_id: str, now: datetime) -> list[Sync]:
    """Cancel a repair's syncs for which no call was made yet; return them."""
    joined = findings.join(syncs, findings.c.sync == syncs.c.id)
    query = (
        select(syncs.c.id)
        .select_from(joined)
        .where(
            findings.c.repair == repair_id,
            syncs.c.backfill,
            syncs.c.state == State.PENDING.value,
        )
    )
    ids = connection.scalars(query).all()
    return [sync for each in ids if (sync := cancel(connection, each, now)) is not None]


def _newest_by_route(connection: Connection, rows: Sequence[RowMapping]) -> dict[str, Sync]:
    """Return the latest sync of each tag to each target."""
    by_repository: dict[tuple[str, str], set[str]] = {}
    for row in rows:
        by_repository.setdefault((row["namespace"], row["repository"]), set()).add(row["tag"])
    newest = {}
    for (namespace, repository), tags in by_repository.items():
        latest = (
            select(func.max(syncs.c.id))
            .where(
                syncs.c.namespace == namespace,
                syncs.c.repository == repository,
                syncs.c.tag.in_(sorted(tags)),
            )
            .group_by(syncs.c.route)
        )
        for row in connection.execute(select(*WHOLE_SYNC).where(syncs.c.id.in_(latest))).mappings():
            sync = to_sync(row)
            newest[sync.route] = sync
    return newest


def _row(repair_id: str, found: Finding, *, latest: bool) -> dict[str, object]:
    sync, push = found.sync, found.sync.push
    return {
        "id": new_id(),
        "repair": repair_id,
        "sender": push.sender,
        "source_region": push.region,
        "namespace": push.namespace,
        "repository": push.repository,
        "tag": push.tag,
        "digest": push.digest,
        "target_region": sync.target.region,
        "target_namespace": sync.target.namespace,
        "override": sync.override,
        "rule": sync.rule,
        "route": route(sync.lane, push.tag),
        "drift": found.drift.value,
        "held": found.target_digest,
        "reason": found.reason,
        "mends": found.needs_sync,
        "sync": None,
        "latest": latest,
    }


def _to_planned(row: RowMapping) -> PlannedSync:
    push = Push(
        row["sender"],
        row["source_region"],
        row["namespace"],
        row["repository"],
        row["tag"],
        row["digest"],
    )
    target = Target(row["target_region"], row["target_namespace"])
    return PlannedSync(push, target, row["override"], row["rule"])


def _as_planned(sync: Sync) -> PlannedSync:
    lane = sync.lane
    push = Push(sync.sender, lane.source_region, lane.namespace, lane.repository, sync.tag)
    return PlannedSync(push, lane.target, lane.override, sync.rule)
