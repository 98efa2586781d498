"""The tables of the service itself: configurations, users, and its own bookkeeping."""

from sqlalchemy import JSON, Column, Index, Integer, LargeBinary, String, Table, Text

from swrhook.ledger.columns import ID, LANE_KEY, REGION, metadata
from swrhook.ledger.types import Instant

configurations = Table(
    "configurations",
    metadata,
    Column("version", String(12), primary_key=True),
    Column("body", LargeBinary, nullable=False, comment="the file, secrets not yet interpolated"),
    Column("used_at", Instant, nullable=False),
)

# Rules with their defaults that were judged, or accepted, before their use. `at` of used ones moves
# on to the time at which others replaced them.
rule_sets = Table(
    "rule_sets",
    metadata,
    Column("fingerprint", String(64), primary_key=True, comment="of rules and defaults"),
    Column("verdict", String(16), nullable=False),
    Column("version", String(12), nullable=False, comment="of the file that has them"),
    Column("at", Instant, nullable=False, comment="of the verdict"),
    Column("effect", JSON(none_as_null=True), comment="null: not measured, or not in time"),
    Column("seen_at", Instant, comment="when a process last wanted to use held ones"),
    Column("accepted_by", Text, comment="the name of a token"),
)

refused_credentials = Table(
    "refused_credentials",
    metadata,
    Column("fingerprint", String(64), primary_key=True),
    Column("reason", Text, nullable=False),
    Column("refused_at", Instant, nullable=False),
    Column("again_at", Instant, comment="when it may be tried again; null: never"),
)

audit = Table(
    "audit",
    metadata,
    Column("id", ID, primary_key=True),
    Column("at", Instant, nullable=False),
    Column("token", Text, nullable=False, comment="its name"),
    Column("role", String(16), nullable=False),
    Column("action", Text, nullable=False, comment="method and route"),
    Column("object", Text),
    Column("status", Integer, nullable=False, comment="of the response"),
    Index("audit_by_object", "object", "id"),
)

# Requests with an Idempotency-Key and their responses; no status while the request is running.
idempotency_keys = Table(
    "idempotency_keys",
    metadata,
    Column("key", String(64), primary_key=True, comment="hash of the token's name and the key"),
    Column("fingerprint", String(64), nullable=False, comment="hash of method, path and body"),
    Column("started_at", Instant, nullable=False),
    Column("status", Integer),
    Column("content_type", Text),
    Column("body", LargeBinary),
    Index("idempotency_keys_by_start", "started_at"),
)

sessions = Table(
    "sessions",
    metadata,
    Column("session", String(64), primary_key=True, comment="hash of the cookie"),
    Column("mark", String(64), nullable=False, comment="ties it to a token; needs the cookie"),
    Column("until", Instant, nullable=False, comment="when it expires"),
    Column("identity", Text, comment="the user of single sign-on, as JSON"),
)

# Only programs before revision v1_0005 use it; a later version drops it.
ended_sessions = Table(
    "ended_sessions",
    metadata,
    Column("session", String(64), primary_key=True, comment="hash of the session's secret"),
    Column("until", Instant, nullable=False, comment="when the session would have expired"),
)

# What SWR answered to the first calls of sync_images, a few of each source region.
first_answers = Table(
    "first_answers",
    metadata,
    Column("id", ID, primary_key=True),
    Column("source_region", REGION, nullable=False),
    Column("lane", LANE_KEY, nullable=False),
    Column("at", Instant, nullable=False),
    Column("status", Integer, nullable=False),
    Column("headers", JSON, nullable=False, comment="an allow-list"),
    Column("body_shape", Text, nullable=False, comment="members and types, no values"),
    Index("first_answers_by_lane", "lane", "at"),
)

# Certificates of SNS and SMN.
certificates = Table(
    "certificates",
    metadata,
    Column("url", String(512), primary_key=True),
    Column("content", LargeBinary, nullable=False, comment="PEM"),
    Column("fetched_at", Instant, nullable=False),
)

# Periodic work that one process does for all.
leases = Table(
    "leases",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("renewed_at", Instant, nullable=False, comment="when the work last began or went on"),
)

# One row, written to test whether the ledger can be written.
probes = Table(
    "probes",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("at", Instant, nullable=False),
)

# One row, beside Alembic's own: which programs can use this schema, see migrate.py.
schema_versions = Table(
    "schema_versions",
    metadata,
    Column("id", Integer, primary_key=True),
    Column("oldest_program", String(32), nullable=False, comment="the revision that it knows"),
)
