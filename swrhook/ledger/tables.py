"""The ledger's tables. Migrations in migrations/ make them; a test compares the two."""

from sqlalchemy import (
    JSON,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    false,
    text,
)

from swrhook.ledger.types import Instant
from swrhook.model import OPEN_STATES

metadata = MetaData()

OPEN = text("state IN ({})".format(", ".join(f"'{state}'" for state in sorted(OPEN_STATES))))
# Of a call's tag, likewise: SQLite knows an index by its words.
MAY_ACT = text("open")
_ID = String(26)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("sender", String(63), nullable=False),
    Column("dialect", String(32), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("reason", Text),
    Column("received_at", Instant, nullable=False),
    Column("external_id", Text),
    Column("original", _ID, comment="of a duplicate: the delivery it repeats"),
    Column("headers", JSON, nullable=False),
    Column("body", LargeBinary, comment="of accepted and quarantined deliveries only"),
    Column("rules_version", String(12), nullable=False),
    Column("replayed_from", _ID, comment="of a replay: the delivery that was read again"),
    Index("deliveries_by_sender", "sender", "id"),
    Index("deliveries_by_outcome", "outcome", "id"),
)

pushes = Table(
    "pushes",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("delivery", _ID, nullable=False),
    Column("sender", String(63), nullable=False),
    Column("region", String(63), nullable=False),
    Column("namespace", String(64), nullable=False),
    Column("repository", String(128), nullable=False),
    Column("tag", String(128), nullable=False),
    Column("digest", String(135)),
    Column("event_id", Text),
    Column("event_key", Text, unique=True, comment="sender, event id and tag of a fresh push"),
    Column("pushed_at", Instant),
    Column("original", _ID, comment="of a duplicate: the push it repeats"),
    Index("pushes_by_delivery", "delivery"),
    Index("pushes_by_image", "namespace", "repository", "tag", "id"),
)

# The latest known push of each tag: what deduplication without ids compares with. Its row is
# also the lock under which deliveries of the same tag are put in order.
latest_pushes = Table(
    "latest_pushes",
    metadata,
    Column("key", String(400), primary_key=True, comment="sender and image"),
    Column("delivery", _ID),
    Column("push", _ID),
    Column("digest", String(135)),
    Column("seen_at", Instant),
)

lanes = Table(
    "lanes",
    metadata,
    Column("key", String(600), primary_key=True),
    Column("source_region", String(63), nullable=False),
    Column("namespace", String(64), nullable=False),
    Column("repository", String(128), nullable=False),
    Column("target_region", String(63), nullable=False),
    Column("target_namespace", String(64), nullable=False),
    Column("override", Boolean, nullable=False),
    Column("woken_for", Instant, comment="the engine will run the lane then; no later wake counts"),
)

syncs = Table(
    "syncs",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("delivery", _ID),
    Column("push", _ID),
    Column("sender", String(63), nullable=False),
    Column("source_region", String(63), nullable=False),
    Column("namespace", String(64), nullable=False),
    Column("repository", String(128), nullable=False),
    Column("tag", String(128), nullable=False),
    Column("digest", String(135)),
    Column("target_region", String(63), nullable=False),
    Column("target_namespace", String(64), nullable=False),
    Column("override", Boolean, nullable=False),
    Column("lane", String(600), nullable=False),
    Column("route", String(600), nullable=False, comment="tag and target, override left out"),
    Column("rule", Text, nullable=False),
    Column("rules_version", String(12), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text),
    Column("error_code", Text),
    Column("error_message", Text),
    Column("error_remedy", Text),
    Column("attempts", Integer, nullable=False, default=0),
    Column("claim", _ID),
    Column("superseded_by", _ID),
    Column("called_digest", String(135), comment="what the source held at the call"),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("due_at", Instant),
    Column("verified_at", Instant),
    Column("waiting_since", Instant),
    Column("failing_since", Instant),
    Column("verifying_since", Instant),
    Column("looks", Integer, nullable=False, default=0),
    Column("failures", Integer, nullable=False, default=0),
    Column("retriggers", Integer, nullable=False, default=0),
    Column("lost_claims", Integer, nullable=False, default=0),
    Column("alone", Boolean, nullable=False, default=False),
    Column("backfill", Boolean, nullable=False, server_default=false()),
    Index("syncs_open_by_lane", "lane", "due_at", sqlite_where=OPEN, postgresql_where=OPEN),
    Index("syncs_open_by_route", "route", sqlite_where=OPEN, postgresql_where=OPEN),
    Index("syncs_by_push", "push"),
    Index("syncs_by_state", "state", "id"),
    Index("syncs_by_image", "namespace", "repository", "tag", "id"),
    Index("syncs_by_target", "target_region", "target_namespace", "id"),
)

calls = Table(
    "calls",
    metadata,
    Column("id", _ID, primary_key=True, comment="the claim token"),
    Column("lane", String(600), nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("code", Text, comment="of the error, or null"),
    Column("message", Text),
    Index("calls_by_lane", "lane", "id"),
)

# A call's tags, each with what it may still do at the target.
call_tags = Table(
    "call_tags",
    metadata,
    Column("call", _ID, primary_key=True),
    Column("sync", _ID, primary_key=True),
    Column("route", String(600), nullable=False),
    Column("digest", String(135)),
    Column("called_at", Instant, nullable=False),
    Column("open", Boolean, nullable=False, comment="may still change the tag at the target"),
    Column(
        "held", Boolean, nullable=False, server_default=false(), comment="the target has it anyway"
    ),
    Index(
        "call_tags_open_by_route",
        "route",
        sqlite_where=MAY_ACT,
        postgresql_where=MAY_ACT,
    ),
    Index("call_tags_by_sync", "sync"),
)

configurations = Table(
    "configurations",
    metadata,
    Column("version", String(12), primary_key=True),
    Column(
        "body", LargeBinary, nullable=False, comment="the file as it was: no secret stands in it"
    ),
    Column("used_at", Instant, nullable=False),
)

refused_credentials = Table(
    "refused_credentials",
    metadata,
    Column("fingerprint", String(64), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("refused_at", Instant, nullable=False),
    Column("again_at", Instant, comment="when it may be tried again; null is never"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("token", Text, nullable=False, comment="its name"),
    Column("role", String(16), nullable=False),
    Column("action", Text, nullable=False, comment="method and route"),
    Column("object", Text),
    Column("status", Integer, nullable=False, comment="of the answer"),
    Index("audit_by_object", "object", "id"),
)

# Of requests with an Idempotency-Key; without a status while they are carried out.
answers = Table(
    "answers",
    metadata,
    Column("key", String(64), primary_key=True, comment="a hash of the token's name and the key"),
    Column("fingerprint", String(64), nullable=False, comment="a hash of method, path and body"),
    Column("started_at", Instant, nullable=False),
    Column("status", Integer),
    Column("content_type", Text),
    Column("body", LargeBinary),
    Index("answers_by_start", "started_at"),
)

# Backfills and reconciles: what is to be compared, how far that is, and who is at it.
repairs = Table(
    "repairs",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("stage", String(16), nullable=False),
    Column(
        "places",
        JSON(none_as_null=True),
        comment="keys of repositories; null: all that the ledger knows",
    ),
    Column("sender", String(63)),
    Column("rule", Text),
    Column("reports_only", Boolean, nullable=False),
    Column("asks", Boolean, nullable=False, comment="a person is to agree to the plan"),
    Column("max_calls", Integer),
    Column("cursor", String(300), nullable=False, comment="the last repository that is done"),
    Column("calls", Integer, nullable=False, comment="made to list tags"),
    Column("planned_calls", Integer, nullable=False, comment="of sync_images"),
    Column("planned_looks", Integer, nullable=False),
    Column("notes", JSON, nullable=False, comment="what could not be compared, and why"),
    Column("follows", _ID, unique=True, comment="of a scheduled one: the one before it"),
    Column("tries", Integer, nullable=False),
    Column("due_at", Instant, nullable=False),
    Column("claim", _ID),
    Column("claimed_until", Instant),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Index("repairs_by_kind", "kind", "id"),
)

# Of findings: conditions written as in their indexes.
TO_ORDER = text("mends AND sync IS NULL")
LATEST = text("latest")

# One tag at one target, as a repair found it.
findings = Table(
    "findings",
    metadata,
    Column("id", _ID, primary_key=True),
    Column("repair", _ID, nullable=False),
    Column("sender", String(63), nullable=False),
    Column("source_region", String(63), nullable=False),
    Column("namespace", String(64), nullable=False),
    Column("repository", String(128), nullable=False),
    Column("tag", String(128), nullable=False),
    Column("digest", String(135)),
    Column("target_region", String(63), nullable=False),
    Column("target_namespace", String(64), nullable=False),
    Column("override", Boolean, nullable=False),
    Column("rule", Text, nullable=False),
    Column("route", String(600), nullable=False),
    Column("drift", String(16), nullable=False),
    Column("held", String(135), comment="what the target holds"),
    Column("reason", Text),
    Column("mends", Boolean, nullable=False, comment="a sync is to mend it"),
    Column("sync", _ID),
    Column("latest", Boolean, nullable=False, comment="no later reconcile saw the repository"),
    Index("findings_by_repair", "repair", "id"),
    Index(
        "findings_to_order",
        "repair",
        "id",
        sqlite_where=TO_ORDER,
        postgresql_where=TO_ORDER,
    ),
    Index(
        "findings_latest",
        "namespace",
        "repository",
        sqlite_where=LATEST,
        postgresql_where=LATEST,
    ),
)

ended_sessions = Table(
    "ended_sessions",
    metadata,
    Column("session", String(64), primary_key=True, comment="the hash of what is secret in it"),
    Column("until", Instant, nullable=False, comment="when it would have ended by itself"),
)

# One row, written to find out whether anything can be.
probes = Table(
    "probes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
)

# Periodic work that is done once for all processes: when it began, or went on, last.
passes = Table(
    "passes",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("at", Instant, nullable=False),
)
