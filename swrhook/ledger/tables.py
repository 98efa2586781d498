"""The tables of deliveries, lanes and syncs. A test compares all tables with the migrations."""

from sqlalchemy import (
    JSON,
    BigInteger,
    Boolean,
    Column,
    Index,
    Integer,
    LargeBinary,
    String,
    Table,
    Text,
    text,
)

from swrhook.ledger.columns import (
    DIGEST,
    ID,
    LANE_KEY,
    NAMESPACE,
    REGION,
    REPOSITORY,
    SENDER,
    TAG,
    lane_columns,
    metadata,
)
from swrhook.ledger.types import Instant, partial_index
from swrhook.model import END_STATES, OPEN_STATES, State

# Conditions of partial indexes. A query must repeat the condition literally: SQLite uses a partial
# index only if the text is the same, and neither database compares it with a bound parameter.
OPEN = text("state IN ({})".format(", ".join(f"'{state}'" for state in sorted(OPEN_STATES))))
# The end states that few syncs reach.
RARE_STATES = END_STATES - {State.VERIFIED, State.SUPERSEDED}
RARE = text("state IN ({})".format(", ".join(f"'{state}'" for state in sorted(RARE_STATES))))
MAY_ACT = text("open")
READY = text("ready")
SCHEDULED = text("due_at IS NOT NULL AND NOT ready AND holder IS NULL")
HELD = text("holder IS NOT NULL")
IS_LARGE = text("pushes_total IS NOT NULL")
OTHER_BODY = text("body IS NOT NULL AND outcome IN ('duplicate', 'ignored')")
PAUSED = text("paused_by IS NOT NULL")

_FLOW, _PLACE = String(200), String(400)

deliveries = Table(
    "deliveries",
    metadata,
    Column("id", ID, primary_key=True),
    Column("sender", SENDER, nullable=False),
    Column("dialect", String(32), nullable=False),
    Column("outcome", String(16), nullable=False),
    Column("reason", Text),
    Column("received_at", Instant, nullable=False),
    Column("external_id", Text, comment="the sender's own id of the delivery"),
    Column("original", ID, comment="of a duplicate: the delivery that it repeats"),
    Column("headers", JSON, nullable=False, comment="an allow-list: no secret is stored"),
    Column("body", LargeBinary, comment="of ignored and duplicate deliveries for some days"),
    Column("rules_version", String(12), nullable=False),
    Column("replayed_from", ID, comment="of a replay: the delivery that was replayed"),
    Column("pushes_total", Integer, comment="of a large delivery: how many it announced"),
    Column("syncs_total", Integer, comment="of a large delivery: how many it is to have"),
    Column("answered", String(16), comment="the outcome that the sender was told"),
    Column("client_address", String(45), comment="of the request"),
    Column("took_ms", Integer, comment="from the request to the row; null: a replay"),
    Column("wording", Text, comment="what the reason was made of, as JSON"),
    Index("deliveries_by_sender", "sender", "id"),
    Index("deliveries_by_outcome", "outcome", "id"),
    partial_index("deliveries_large", "sender", "pushes_total", where=IS_LARGE),
    partial_index("deliveries_other_bodies", "id", where=OTHER_BODY),
)

# Large deliveries whose pushes and syncs are not all recorded yet, and what is left of them.
expansions = Table(
    "expansions",
    metadata,
    Column("delivery", ID, primary_key=True),
    Column("sender", SENDER, nullable=False),
    Column("region", REGION, nullable=False),
    Column("dedup_window", BigInteger, nullable=False, comment="in microseconds"),
    Column("next_portion", Integer, nullable=False),
    Column("pushes_left", Integer, nullable=False),
    Column("fresh_pushes", Integer, nullable=False, comment="recorded, and no duplicates"),
    Column("original", ID, comment="the first delivery that one of its pushes repeats"),
    Column("over_max_open", Boolean, nullable=False, comment="as its sender is: it waits"),
    Column("due_at", Instant, nullable=False, comment="of the next portion"),
)

expansion_portions = Table(
    "expansion_portions",
    metadata,
    Column("delivery", ID, primary_key=True),
    Column("number", Integer, primary_key=True),
    Column("pushes", LargeBinary, nullable=False, comment="with their syncs, compressed"),
)

pushes = Table(
    "pushes",
    metadata,
    Column("id", ID, primary_key=True),
    Column("delivery", ID, nullable=False),
    Column("sender", SENDER, nullable=False),
    Column("region", REGION, nullable=False),
    Column("namespace", NAMESPACE, nullable=False),
    Column("repository", REPOSITORY, nullable=False),
    Column("tag", TAG, nullable=False),
    Column("digest", DIGEST),
    Column("event_id", Text),
    Column("event_key", Text, unique=True, comment="sender, image, event id; null of duplicates"),
    Column("pushed_at", Instant),
    Column("original", ID, comment="of a duplicate: the push that it repeats"),
    Index("pushes_by_delivery", "delivery"),
    Index("pushes_by_image", "namespace", "repository", "tag", "id"),
    Index("pushes_by_namespace", "namespace", "delivery"),
)

# The latest push of each tag. Deduplication without event ids compares with it, and its row is the
# lock that serializes deliveries of the same tag.
latest_pushes = Table(
    "latest_pushes",
    metadata,
    Column("key", String(400), primary_key=True, comment="sender and image"),
    Column("delivery", ID),
    Column("push", ID),
    Column("digest", DIGEST),
    Column("seen_at", Instant),
)

# A lane is scheduled until it is due, then ready until a process has room for it, then held by that
# process while it runs. Ready lanes are the waiting room of all engines: see lane_queue.py.
lanes = Table(
    "lanes",
    metadata,
    Column("key", LANE_KEY, primary_key=True),
    *lane_columns(),
    Column("flow", _FLOW, comment="urgency, regions and sender of its most urgent sync"),
    Column("due_at", Instant, comment="when its most urgent sync is due; null: none is open"),
    Column("ready", Boolean, nullable=False, default=False, comment="due, and not yet held"),
    Column("holder", ID, comment="the process that runs the lane"),
    partial_index("lanes_ready", "flow", "namespace", "due_at", where=READY),
    partial_index("lanes_scheduled", "due_at", where=SCHEDULED),
    partial_index("lanes_held", "holder", where=HELD),
)

# The processes that run lanes, on PostgreSQL: one that sends no heartbeat loses its lanes.
workers = Table(
    "workers",
    metadata,
    Column("id", ID, primary_key=True),
    Column("threads", Integer, nullable=False),
    Column("seen_at", Instant, nullable=False),
)

syncs = Table(
    "syncs",
    metadata,
    Column("id", ID, primary_key=True),
    Column("delivery", ID),
    Column("push", ID),
    Column("sender", SENDER, nullable=False),
    *lane_columns(),
    Column("tag", TAG, nullable=False),
    Column("digest", DIGEST, comment="as the sender announced it"),
    Column("lane", LANE_KEY, nullable=False),
    Column("route", LANE_KEY, nullable=False, comment="source, tag and target, without override"),
    Column("rule", Text, nullable=False),
    Column("rules_version", String(12), nullable=False),
    Column("state", String(16), nullable=False),
    Column("reason", Text),
    Column("error_code", Text),
    Column("error_message", Text),
    Column("error_remedy", Text),
    Column("wording", Text, comment="what the reason, message and remedy were made of, as JSON"),
    Column("attempts", Integer, nullable=False, default=0, comment="calls made"),
    Column("claim", ID, comment="the call in flight"),
    Column("superseded_by", ID, comment="the later sync of the same tag and target"),
    Column("called_digest", DIGEST, comment="the source's digest at the time of the call"),
    Column("created_at", Instant, nullable=False),
    Column("updated_at", Instant, nullable=False),
    Column("due_at", Instant),
    Column("verified_at", Instant),
    Column("waiting_since", Instant, comment="the tag is missing at the source"),
    Column("failing_since", Instant, comment="requests to SWR fail"),
    Column("verifying_since", Instant, comment="the target is polled"),
    Column("polls", Integer, nullable=False, default=0),
    Column("failures", Integer, nullable=False, default=0),
    Column("retriggers", Integer, nullable=False, default=0),
    Column("lost_claims", Integer, nullable=False, default=0, comment="in a row"),
    Column("alone", Boolean, nullable=False, default=False, comment="shares no call with others"),
    Column("backfill", Boolean, nullable=False, default=False, comment="of a repair"),
    Column("urgency", Integer, nullable=False, default=0, comment="a model.Urgency"),
    Column("paused_by", Text, comment="the pause that it is held for"),
    partial_index("syncs_open_by_lane", "lane", "urgency", "due_at", where=OPEN),
    partial_index("syncs_open_by_route", "route", where=OPEN),
    partial_index("syncs_open_counts", "state", "target_region", "target_namespace", where=OPEN),
    partial_index("syncs_open_by_sender", "sender", where=OPEN),
    partial_index("syncs_paused", "paused_by", "id", where=PAUSED),
    Index("syncs_by_push", "push"),
    Index("syncs_by_state", "state", "id"),
    Index("syncs_by_image", "namespace", "repository", "tag", "id"),
    Index("syncs_by_namespace", "namespace", "id"),
    Index("syncs_by_target", "target_region", "target_namespace", "id"),
    partial_index(
        "syncs_rare_by_target", "state", "target_region", "target_namespace", "id", where=RARE
    ),
)

# The last pause of each region, rule and sender that was ever paused.
pauses = Table(
    "pauses",
    metadata,
    Column("kind", String(16), primary_key=True),
    Column("name", Text, primary_key=True),
    Column("since", Instant, nullable=False),
    Column("until", Instant, comment="when it ends by itself; null: it does not"),
    Column("by", Text, nullable=False, comment="the name of a token"),
    Column("reason", Text),
    Column("ended_at", Instant, comment="null: it lasts"),
    Column("holding", Boolean, nullable=False, comment="syncs may be held for it"),
)

calls = Table(
    "calls",
    metadata,
    Column("id", ID, primary_key=True, comment="also the claim token of its syncs"),
    Column("lane", LANE_KEY, nullable=False),
    Column("started_at", Instant, nullable=False),
    Column("ended_at", Instant),
    Column("code", Text, comment="of the error; null: success, or no answer yet"),
    Column("message", Text),
    Index("calls_by_lane", "lane", "id"),
)

# The tags of a call, and whether the call may still change them at the target.
call_tags = Table(
    "call_tags",
    metadata,
    Column("call", ID, primary_key=True),
    Column("sync", ID, primary_key=True),
    Column("route", LANE_KEY, nullable=False),
    Column("digest", DIGEST),
    Column("called_at", Instant, nullable=False),
    Column("open", Boolean, nullable=False, comment="may still change the tag at the target"),
    Column("already_present", Boolean, nullable=False, comment="at the target before the call"),
    partial_index("call_tags_open_by_route", "route", where=MAY_ACT),
    Index("call_tags_by_sync", "sync"),
)

# What each place held when it was last observed: a tag in one region, at the source or at a target.
observations = Table(
    "observations",
    metadata,
    Column("region", REGION, primary_key=True),
    Column("namespace", NAMESPACE, primary_key=True),
    Column("repository", REPOSITORY, primary_key=True),
    Column("tag", TAG, primary_key=True),
    Column("digest", DIGEST, comment="null: there was no such tag"),
    Column("observed_at", Instant, nullable=False, comment="when the request began"),
    Column("since", Instant, nullable=False, comment="when this digest was first seen there"),
    Column("sync", ID, comment="the sync that copied the digest there"),
    Column("source_region", REGION, comment="of a target: what it is copied from, if known"),
    Column("source_namespace", NAMESPACE),
    Index("observations_by_digest", "digest", "namespace", "repository"),
)

# Places that somebody waits to know about: a worker looks, keeps what it sees, and deletes the row.
questions = Table(
    "questions",
    metadata,
    Column("place", _PLACE, primary_key=True),
    Column("region", REGION, nullable=False),
    Column("namespace", NAMESPACE, nullable=False),
    Column("repository", REPOSITORY, nullable=False),
    Column("tag", TAG, nullable=False),
    Column("since", Instant, nullable=False, comment="a look that began earlier is no answer"),
    Column("until", Instant, nullable=False, comment="then nobody waits for the answer"),
    Column("asked_at", Instant, nullable=False),
    Column("ready", Boolean, nullable=False, comment="waits for a worker"),
    Column("holder", ID, comment="the worker that looks"),
    Column("held_until", Instant, comment="then another worker looks"),
    Column("error", Text, comment="why the last look has failed"),
    Column("is_final", Boolean, nullable=False, comment="another look would fail, too"),
    partial_index("questions_ready", "region", "asked_at", where=READY),
    partial_index("questions_held", "holder", where=HELD),
)
