"""The first ledger: every table."""

from typing import Any

from alembic import op
from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Text,
    TextClause,
    text,
)

revision = "v1_0001"
down_revision = None
oldest_program = "v1_0001"

# Repeated from tables.py, which changes later: a revision stays as it was released.
_OPEN = text("state IN ('calling', 'pending', 'triggered')")
_RARE = text("state IN ('cancelled', 'diverged', 'exhausted', 'missing', 'rejected', 'unverified')")
_MAY_ACT = text("open")
_READY = text("ready")
_SCHEDULED = text("due_at IS NOT NULL AND NOT ready AND holder IS NULL")
_HELD = text("holder IS NOT NULL")
_WITHOUT_SYNC = text("needs_sync AND sync IS NULL")
_LATEST = text("latest")
_IS_LARGE = text("pushes_total IS NOT NULL")

_ID = String(26)
_SENDER, _REGION = String(63), String(63)
_NAMESPACE, _REPOSITORY, _TAG, _DIGEST = String(64), String(128), String(128), String(135)
_LANE_KEY = String(600)


def _lane_columns() -> list[Column[Any]]:
    return [
        Column("source_region", _REGION, nullable=False),
        Column("namespace", _NAMESPACE, nullable=False),
        Column("repository", _REPOSITORY, nullable=False),
        Column("target_region", _REGION, nullable=False),
        Column("target_namespace", _NAMESPACE, nullable=False),
        Column("override", Boolean, nullable=False),
    ]


def _partial_index(name: str, *columns: str, where: TextClause) -> Index:
    return Index(name, *columns, sqlite_where=where, postgresql_where=where)


def upgrade() -> None:
    """Create all tables and indexes."""
    op.create_table(
        "deliveries",
        Column("id", _ID, primary_key=True),
        Column("sender", _SENDER, nullable=False),
        Column("dialect", String(32), nullable=False),
        Column("outcome", String(16), nullable=False),
        Column("reason", Text),
        Column("received_at", BigInteger, nullable=False),
        Column("external_id", Text, comment="the sender's own id of the delivery"),
        Column("original", _ID, comment="of a duplicate: the delivery that it repeats"),
        Column("headers", JSON, nullable=False, comment="an allow-list: no secret is stored"),
        Column("body", LargeBinary, comment="only of accepted and quarantined deliveries"),
        Column("rules_version", String(12), nullable=False),
        Column("replayed_from", _ID, comment="of a replay: the delivery that was replayed"),
        Column("pushes_total", Integer, comment="of a large delivery: how many it announced"),
        Column("syncs_total", Integer, comment="of a large delivery: how many it is to have"),
        Index("deliveries_by_sender", "sender", "id"),
        Index("deliveries_by_outcome", "outcome", "id"),
        _partial_index("deliveries_large", "sender", "pushes_total", where=_IS_LARGE),
    )
    op.create_table(
        "expansions",
        Column("delivery", _ID, primary_key=True),
        Column("sender", _SENDER, nullable=False),
        Column("region", _REGION, nullable=False),
        Column("dedup_window", BigInteger, nullable=False, comment="in microseconds"),
        Column("next_portion", Integer, nullable=False),
        Column("pushes_left", Integer, nullable=False),
        Column("fresh_pushes", Integer, nullable=False, comment="recorded, and no duplicates"),
        Column("original", _ID, comment="the first delivery that one of its pushes repeats"),
        Column("over_max_open", Boolean, nullable=False, comment="as its sender is: it waits"),
        Column("due_at", BigInteger, nullable=False, comment="of the next portion"),
    )
    op.create_table(
        "expansion_portions",
        Column("delivery", _ID, primary_key=True),
        Column("number", Integer, primary_key=True),
        Column("pushes", LargeBinary, nullable=False, comment="with their syncs, compressed"),
    )
    op.create_table(
        "pushes",
        Column("id", _ID, primary_key=True),
        Column("delivery", _ID, nullable=False),
        Column("sender", _SENDER, nullable=False),
        Column("region", _REGION, nullable=False),
        Column("namespace", _NAMESPACE, nullable=False),
        Column("repository", _REPOSITORY, nullable=False),
        Column("tag", _TAG, nullable=False),
        Column("digest", _DIGEST),
        Column("event_id", Text),
        Column(
            "event_key", Text, unique=True, comment="sender, image, event id; null of duplicates"
        ),
        Column("pushed_at", BigInteger),
        Column("original", _ID, comment="of a duplicate: the push that it repeats"),
        Index("pushes_by_delivery", "delivery"),
        Index("pushes_by_image", "namespace", "repository", "tag", "id"),
    )
    op.create_table(
        "latest_pushes",
        Column("key", String(400), primary_key=True, comment="sender and image"),
        Column("delivery", _ID),
        Column("push", _ID),
        Column("digest", _DIGEST),
        Column("seen_at", BigInteger),
    )
    op.create_table(
        "lanes",
        Column("key", _LANE_KEY, primary_key=True),
        *_lane_columns(),
        Column("flow", String(200), comment="urgency, regions and sender of its most urgent sync"),
        Column(
            "due_at", BigInteger, comment="when its most urgent sync is due; null: none is open"
        ),
        Column("ready", Boolean, nullable=False, comment="due, and not yet held"),
        Column("holder", _ID, comment="the process that runs the lane"),
        _partial_index("lanes_ready", "flow", "namespace", "due_at", where=_READY),
        _partial_index("lanes_scheduled", "due_at", where=_SCHEDULED),
        _partial_index("lanes_held", "holder", where=_HELD),
    )
    op.create_table(
        "workers",
        Column("id", _ID, primary_key=True),
        Column("threads", Integer, nullable=False),
        Column("seen_at", BigInteger, nullable=False),
    )
    op.create_table(
        "syncs",
        Column("id", _ID, primary_key=True),
        Column("delivery", _ID),
        Column("push", _ID),
        Column("sender", _SENDER, nullable=False),
        *_lane_columns(),
        Column("tag", _TAG, nullable=False),
        Column("digest", _DIGEST, comment="as the sender announced it"),
        Column("lane", _LANE_KEY, nullable=False),
        Column(
            "route", _LANE_KEY, nullable=False, comment="source, tag and target, without override"
        ),
        Column("rule", Text, nullable=False),
        Column("rules_version", String(12), nullable=False),
        Column("state", String(16), nullable=False),
        Column("reason", Text),
        Column("error_code", Text),
        Column("error_message", Text),
        Column("error_remedy", Text),
        Column("attempts", Integer, nullable=False, comment="calls made"),
        Column("claim", _ID, comment="the call in flight"),
        Column("superseded_by", _ID, comment="the later sync of the same tag and target"),
        Column("called_digest", _DIGEST, comment="the source's digest at the time of the call"),
        Column("created_at", BigInteger, nullable=False),
        Column("updated_at", BigInteger, nullable=False),
        Column("due_at", BigInteger),
        Column("verified_at", BigInteger),
        Column("waiting_since", BigInteger, comment="the tag is missing at the source"),
        Column("failing_since", BigInteger, comment="requests to SWR fail"),
        Column("verifying_since", BigInteger, comment="the target is polled"),
        Column("polls", Integer, nullable=False),
        Column("failures", Integer, nullable=False),
        Column("retriggers", Integer, nullable=False),
        Column("lost_claims", Integer, nullable=False, comment="in a row"),
        Column("alone", Boolean, nullable=False, comment="shares no call with others"),
        Column("backfill", Boolean, nullable=False, comment="of a repair"),
        Column("urgency", Integer, nullable=False, comment="a model.Urgency"),
        _partial_index("syncs_open_by_lane", "lane", "urgency", "due_at", where=_OPEN),
        _partial_index("syncs_open_by_route", "route", where=_OPEN),
        _partial_index(
            "syncs_open_counts", "state", "target_region", "target_namespace", where=_OPEN
        ),
        _partial_index("syncs_open_by_sender", "sender", where=_OPEN),
        Index("syncs_by_push", "push"),
        Index("syncs_by_state", "state", "id"),
        Index("syncs_by_image", "namespace", "repository", "tag", "id"),
        Index("syncs_by_target", "target_region", "target_namespace", "id"),
        _partial_index(
            "syncs_rare_by_target", "state", "target_region", "target_namespace", "id", where=_RARE
        ),
    )
    op.create_table(
        "calls",
        Column("id", _ID, primary_key=True, comment="also the claim token of its syncs"),
        Column("lane", _LANE_KEY, nullable=False),
        Column("started_at", BigInteger, nullable=False),
        Column("ended_at", BigInteger),
        Column("code", Text, comment="of the error; null: success, or no answer yet"),
        Column("message", Text),
        Index("calls_by_lane", "lane", "id"),
    )
    op.create_table(
        "call_tags",
        Column("call", _ID, primary_key=True),
        Column("sync", _ID, primary_key=True),
        Column("route", _LANE_KEY, nullable=False),
        Column("digest", _DIGEST),
        Column("called_at", BigInteger, nullable=False),
        Column("open", Boolean, nullable=False, comment="may still change the tag at the target"),
        Column("already_present", Boolean, nullable=False, comment="at the target before the call"),
        _partial_index("call_tags_open_by_route", "route", where=_MAY_ACT),
        Index("call_tags_by_sync", "sync"),
    )
    op.create_table(
        "configurations",
        Column("version", String(12), primary_key=True),
        Column(
            "body", LargeBinary, nullable=False, comment="the file, secrets not yet interpolated"
        ),
        Column("used_at", BigInteger, nullable=False),
    )
    op.create_table(
        "refused_credentials",
        Column("fingerprint", String(64), primary_key=True),
        Column("reason", Text, nullable=False),
        Column("refused_at", BigInteger, nullable=False),
        Column("again_at", BigInteger, comment="when it may be tried again; null: never"),
    )
    op.create_table(
        "certificates",
        Column("url", String(512), primary_key=True),
        Column("content", LargeBinary, nullable=False, comment="PEM"),
        Column("fetched_at", BigInteger, nullable=False),
    )
    op.create_table(
        "audit",
        Column("id", _ID, primary_key=True),
        Column("at", BigInteger, nullable=False),
        Column("token", Text, nullable=False, comment="its name"),
        Column("role", String(16), nullable=False),
        Column("action", Text, nullable=False, comment="method and route"),
        Column("object", Text),
        Column("status", Integer, nullable=False, comment="of the response"),
        Index("audit_by_object", "object", "id"),
    )
    op.create_table(
        "idempotency_keys",
        Column("key", String(64), primary_key=True, comment="hash of the token's name and the key"),
        Column("fingerprint", String(64), nullable=False, comment="hash of method, path and body"),
        Column("started_at", BigInteger, nullable=False),
        Column("status", Integer),
        Column("content_type", Text),
        Column("body", LargeBinary),
        Index("idempotency_keys_by_start", "started_at"),
    )
    op.create_table(
        "repairs",
        Column("id", _ID, primary_key=True),
        Column("kind", String(16), nullable=False),
        Column("stage", String(16), nullable=False),
        Column("repositories", JSON(none_as_null=True), comment="keys; null: all in the ledger"),
        Column("sender", _SENDER),
        Column("rule", Text),
        Column("report_only", Boolean, nullable=False),
        Column(
            "needs_confirmation", Boolean, nullable=False, comment="of the plan, by an operator"
        ),
        Column("max_calls", Integer),
        Column("cursor", String(300), nullable=False, comment="the last repository compared"),
        Column("calls", Integer, nullable=False, comment="made to list tags"),
        Column("planned_calls", Integer, nullable=False, comment="of sync_images"),
        Column(
            "planned_reads", Integer, nullable=False, comment="of tags, before and after the calls"
        ),
        Column("notes", JSON, nullable=False, comment="repositories not compared, and why"),
        Column("previous", _ID, unique=True, comment="the scheduled reconcile before this one"),
        Column("tries", Integer, nullable=False, comment="of the current step"),
        Column("due_at", BigInteger, nullable=False),
        Column("claim", _ID),
        Column("claimed_until", BigInteger),
        Column("created_at", BigInteger, nullable=False),
        Column("updated_at", BigInteger, nullable=False),
        Column("ended_at", BigInteger),
        Index("repairs_by_kind", "kind", "id"),
    )
    op.create_table(
        "findings",
        Column("id", _ID, primary_key=True),
        Column("repair", _ID, nullable=False),
        Column("sender", _SENDER, nullable=False),
        *_lane_columns(),
        Column("tag", _TAG, nullable=False),
        Column("digest", _DIGEST, comment="what the source holds"),
        Column("rule", Text, nullable=False),
        Column("route", _LANE_KEY, nullable=False),
        Column("drift", String(16), nullable=False),
        Column("target_digest", _DIGEST, comment="what the target holds"),
        Column("reason", Text),
        Column("needs_sync", Boolean, nullable=False),
        Column("sync", _ID, comment="the sync that repairs it"),
        Column("latest", Boolean, nullable=False, comment="no later reconcile saw the repository"),
        Index("findings_by_repair", "repair", "id"),
        _partial_index("findings_without_sync", "repair", "id", where=_WITHOUT_SYNC),
        _partial_index("findings_latest", "namespace", "repository", where=_LATEST),
    )
    op.create_table(
        "ended_sessions",
        Column("session", String(64), primary_key=True, comment="hash of the session's secret"),
        Column("until", BigInteger, nullable=False, comment="when the session would have expired"),
    )
    op.create_table(
        "schema_versions",
        Column("id", Integer, primary_key=True),
        Column("oldest_program", String(32), nullable=False, comment="the revision that it knows"),
    )
    op.create_table(
        "probes", Column("id", Integer, primary_key=True), Column("at", BigInteger, nullable=False)
    )
    op.create_table(
        "ledger_marks",
        Column("id", Integer, primary_key=True),
        Column("ledger", _ID, nullable=False, comment="random: no two ledgers have the same"),
        Column("counter", Integer, nullable=False, comment="grows: an older copy has a lower one"),
    )
    op.create_table(
        "leases",
        Column("name", String(32), primary_key=True),
        Column(
            "renewed_at", BigInteger, nullable=False, comment="when the work last began or went on"
        ),
    )
