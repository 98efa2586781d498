"""The tables of notifications: what is to be told, the messages, and what was told already."""

from sqlalchemy import JSON, Column, Index, Integer, String, Table, Text, text

from swrhook.ledger.columns import ID, LANE_KEY, SENDER, TAG, lane_columns, metadata
from swrhook.ledger.types import Instant, partial_index

# Conditions of partial indexes; see tables.py.
GATHERING = text("state = 'gathering'")
UNSENT = text("ended_at IS NULL")


# What is to be told, until it is gathered in notifications. Of a sync that ended, only its id.
notices = Table(
    "notices",
    metadata,
    Column("id", ID, primary_key=True),
    Column("sync", ID),
    Column("topic", String(16)),
    Column("cause", Text),
    Column("at", Instant, nullable=False),
    Column("facts", JSON(none_as_null=True)),
    Column("item", JSON(none_as_null=True)),
    Column("subject", JSON(none_as_null=True)),
)

# Messages for channels, from the first notice on.
notifications = Table(
    "notifications",
    metadata,
    Column("id", ID, primary_key=True),
    Column("channel", String(63), nullable=False),
    Column("topic", String(16), nullable=False, comment="of its first part"),
    Column("group_key", Text, nullable=False, comment="what is told together"),
    Column("state", String(16), nullable=False),
    Column("parts", JSON, nullable=False),
    Column("parts_left_out", Integer, nullable=False, default=0),
    Column("created_at", Instant, nullable=False),
    Column("due_at", Instant, nullable=False, comment="of the next attempt"),
    Column("attempts", Integer, nullable=False, default=0),
    Column("claim", ID, comment="of the attempt in progress"),
    Column("claimed_until", Instant),
    Column("error", Text, comment="of the last attempt"),
    Column("ended_at", Instant),
    partial_index("notifications_gathering", "channel", "group_key", where=GATHERING),
    partial_index("notifications_unsent", "channel", "due_at", where=UNSENT),
    Index("notifications_by_group", "channel", "group_key", "id"),
    Index("notifications_by_state", "state", "id"),
    Index("notifications_by_channel", "channel", "state", "id"),
)

# The syncs that were told as failed or late, until they are verified.
told_syncs = Table(
    "told_syncs",
    metadata,
    Column("route", LANE_KEY, primary_key=True),
    *lane_columns(),
    Column("tag", TAG, nullable=False),
    Column("sender", SENDER, nullable=False),
    Column("told_at", Instant, nullable=False),
)

# What is wrong now, other than with a sync, and was told: a region, a sender, a configuration.
told_problems = Table(
    "told_problems",
    metadata,
    Column("key", Text, primary_key=True),
    Column("topic", String(16), nullable=False),
    Column("facts", JSON, nullable=False),
    Column("began_at", Instant, nullable=False),
    Column("seen_at", Instant, nullable=False),
)

# Up to which id a table has been searched for something to tell.
notice_cursors = Table(
    "notice_cursors",
    metadata,
    Column("name", String(32), primary_key=True),
    Column("position", ID, nullable=False),
)
