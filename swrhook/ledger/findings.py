"""Findings of repairs, and the syncs that fix them: recorded in portions, with low priority."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    RowMapping,
    bindparam,
    false,
    func,
    insert,
    select,
    update,
)

from swrhook.ledger.bulk_insert import insert_rows
from swrhook.ledger.deduplication import Batch, add_sync, tag_key
from swrhook.ledger.deliveries import INSERT_SYNC, lock_tags
from swrhook.ledger.lanes import lock_lanes, schedule_lanes
from swrhook.ledger.notices import record_notices
from swrhook.ledger.repair_tables import LATEST, WITHOUT_SYNC, findings
from swrhook.ledger.rows import SYNC_COLUMNS, from_lane, group, to_lane, to_sync
from swrhook.ledger.syncs import cancel, retry
from swrhook.ledger.tables import OPEN, syncs
from swrhook.ledger.types import new_id
from swrhook.model import (
    END_STATES,
    OPEN_STATES,
    Lane,
    PlannedSync,
    Push,
    State,
    Sync,
    Urgency,
    route,
)
from swrhook.notifications.model import Notice, Topic
from swrhook.syncs.reconciliation import Drift, Finding, RepositoryRef

# A sync in one of these states is retried. After the other end states a new sync is recorded.
_RETRIED_STATES = END_STATES - {State.VERIFIED, State.SUPERSEDED}


def store_findings(
    connection: Connection, repair_id: str, repository_findings: Sequence[Finding], *, latest: bool
) -> None:
    """Store a repair's findings in a repository. `latest`: they say how the tags have drifted."""
    rows = [_row(repair_id, finding, latest=latest) for finding in repository_findings]
    insert_rows(connection, _INSERT_FINDING, rows)


_INSERT_FINDING = insert(findings)


def mark_outdated(connection: Connection, ref: RepositoryRef) -> None:
    """Mark a repository's earlier findings as outdated."""
    is_of_repository = (
        findings.c.namespace == ref.namespace,
        findings.c.repository == ref.repository,
        findings.c.source_region == ref.region,
    )
    connection.execute(update(findings).where(*is_of_repository, LATEST).values(latest=false()))


def record_drift_notice(connection: Connection, repair_id: str, now: datetime) -> None:
    """Record a notice of how many tags a repair found that differ, if there are any."""
    query = select(findings.c.drift, func.count()).where(findings.c.repair == repair_id)
    rows = connection.execute(query.group_by(findings.c.drift).order_by(findings.c.drift))
    counts = {str(drift): count for drift, count in rows if drift != Drift.SAME}
    if counts:
        record_notices(connection, [Notice(Topic.DRIFT, "reconcile", now, {"counts": counts})])


def verified_syncs(connection: Connection, ref: RepositoryRef) -> list[PlannedSync]:
    """Return what was copied from a repository and verified: the newest per tag and target."""
    is_verified = (syncs.c.source_region == ref.region, syncs.c.state == State.VERIFIED.value)
    newest = _newest_syncs(connection, ref.namespace, ref.repository, *is_verified)
    return [_planned(sync.lane, sync.sender, sync.tag, None, sync.rule) for sync in newest]


@dataclass(frozen=True, slots=True)
class RecordedSyncs:
    """A recorded portion of a repair's syncs: the lanes to run now, and whether it was the last."""

    lanes: Sequence[Lane]
    is_last: bool


def record_portion(
    connection: Connection, repair_id: str, rules_version: str, now: datetime, most: int
) -> RecordedSyncs:
    """Record the next syncs of a repair, at most `most`, and schedule their lanes for now.

    If a sync of the same tag to the same target is open, no other one is recorded, and it keeps
    its priority. If the last one has failed, it is retried.
    """
    query = select(findings).where(findings.c.repair == repair_id, WITHOUT_SYNC)
    query = query.order_by(findings.c.id).limit(most)
    rows = connection.execute(query).mappings().all()
    planned = {
        row["id"]: _planned(to_lane(row), row["sender"], row["tag"], row["digest"], row["rule"])
        for row in rows
    }
    # No other transaction can record or change a sync of these tags until this one ends.
    lock_tags(connection, {tag_key(sync.push) for sync in planned.values()})
    lock_lanes(connection, {sync.lane for sync in planned.values()})
    newest = _newest_by_route(connection, rows)
    batch = Batch({}, {})
    retried_lanes: dict[Lane, str] = {}
    sync_by_finding: dict[str, str] = {}
    for row in rows:
        sync = planned[row["id"]]
        earlier = newest.get(row["route"])
        if earlier is not None and earlier.state in _RETRIED_STATES:
            retry(connection, earlier, sync, rules_version, now, backfill=True)
            retried_lanes[sync.lane] = sync.push.sender
        elif earlier is None or earlier.state not in OPEN_STATES:
            earlier = None
            add_sync(batch, sync, rules_version, now, backfill=True)
        sync_by_finding[row["id"]] = batch.newest[row["route"]] if earlier is None else earlier.id
    insert_rows(connection, INSERT_SYNC, list(batch.syncs.values()))
    _link_syncs(connection, sync_by_finding)
    senders = {**batch.lanes, **retried_lanes}
    lanes = schedule_lanes(connection, senders, Urgency.BACKFILL, now)
    return RecordedSyncs(lanes, is_last=len(rows) < most)


def _link_syncs(connection: Connection, sync_by_finding: Mapping[str, str]) -> None:
    if sync_by_finding:
        statement = update(findings).where(findings.c.id == bindparam("finding_id"))
        connection.execute(
            statement.values(sync=bindparam("sync_id")),
            [{"finding_id": key, "sync_id": value} for key, value in sync_by_finding.items()],
        )


_WITH_SYNC = findings.join(syncs, findings.c.sync == syncs.c.id)


def count_needed(connection: Connection, repair_id: str) -> int:
    """Return how many of a repair's findings need a sync."""
    is_needed = (findings.c.repair == repair_id, findings.c.needs_sync)
    return connection.scalar(select(func.count()).select_from(findings).where(*is_needed)) or 0


def count_open(connection: Connection, repair_id: str, most: int) -> int:
    """Return how many of a repair's last `most` findings with syncs have open ones.

    Counting all would take as long as the repair is large, for each portion of it.
    """
    is_left = (findings.c.repair == repair_id, WITHOUT_SYNC)
    first_left = connection.scalar(select(func.min(findings.c.id)).where(*is_left))
    recorded = select(findings.c.sync).where(findings.c.repair == repair_id)
    if first_left is not None:
        recorded = recorded.where(findings.c.id < first_left)
    latest = recorded.order_by(findings.c.id.desc()).limit(most).subquery()
    query = select(func.count()).select_from(latest.join(syncs, latest.c.sync == syncs.c.id))
    return connection.scalar(query.where(OPEN)) or 0


def cancel_pending_syncs(connection: Connection, repair_id: str, now: datetime) -> list[Sync]:
    """Cancel a repair's own syncs that are still pending; return them."""
    is_pending = (syncs.c.backfill, syncs.c.state == State.PENDING.value)
    query = select(syncs.c.id).select_from(_WITH_SYNC)
    query = query.where(findings.c.repair == repair_id, *is_pending)
    cancelled = [cancel(connection, sync_id, now) for sync_id in connection.scalars(query).all()]
    return [sync for sync in cancelled if sync is not None]


def _newest_by_route(connection: Connection, rows: Iterable[RowMapping]) -> dict[str, Sync]:
    """Return the newest sync of each tag to each target."""
    tags = group(((row["namespace"], row["repository"]), row["tag"]) for row in rows)
    newest = [
        sync
        for repository, its_tags in tags.items()
        for sync in _newest_syncs(connection, *repository, syncs.c.tag.in_(sorted(set(its_tags))))
    ]
    return {sync.route: sync for sync in newest}


def _newest_syncs(
    connection: Connection, namespace: str, repository: str, *conditions: ColumnElement[bool]
) -> list[Sync]:
    """Return the newest of a repository's matching syncs on each route."""
    is_of_repository = (syncs.c.namespace == namespace, syncs.c.repository == repository)
    newest = select(func.max(syncs.c.id)).where(*is_of_repository, *conditions)
    query = select(*SYNC_COLUMNS).where(syncs.c.id.in_(newest.group_by(syncs.c.route)))
    return [to_sync(row) for row in connection.execute(query).mappings()]


def _row(repair_id: str, finding: Finding, *, latest: bool) -> dict[str, object]:
    sync, push = finding.sync, finding.sync.push
    return {
        "id": new_id(),
        "repair": repair_id,
        "sender": push.sender,
        **from_lane(sync.lane),
        "tag": push.tag,
        "digest": push.digest,
        "rule": sync.rule,
        "route": route(sync.lane, push.tag),
        "drift": finding.drift.value,
        "target_digest": finding.target_digest,
        "reason": finding.reason,
        "needs_sync": finding.needs_sync,
        "sync": None,
        "latest": latest,
    }


def _planned(lane: Lane, sender: str, tag: str, digest: str | None, rule: str) -> PlannedSync:
    push = Push(sender, lane.source_region, lane.namespace, lane.repository, tag, digest)
    return PlannedSync(push, lane.target, lane.override, rule)
