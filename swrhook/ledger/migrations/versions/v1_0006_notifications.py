"""Notifications: what is to be told, the messages, and what was told already."""

from typing import Any

from alembic import op
from sqlalchemy import JSON, BigInteger, Boolean, Column, Index, Integer, String, Text, text

revision = "v1_0006"
down_revision = "v1_0005"
oldest_program = "v1_0001"

_GATHERING = text("state = 'gathering'")
_UNSENT = text("ended_at IS NULL")
_ID = String(26)


def upgrade() -> None:
    """Create the tables."""
    op.create_table(
        "notices",
        Column("id", _ID, primary_key=True),
        Column("sync", _ID),
        Column("topic", String(16)),
        Column("cause", Text),
        Column("at", BigInteger, nullable=False),
        Column("facts", JSON),
        Column("item", JSON),
        Column("subject", JSON),
    )
    op.create_table(
        "notifications",
        Column("id", _ID, primary_key=True),
        Column("channel", String(63), nullable=False),
        Column("topic", String(16), nullable=False, comment="of its first part"),
        Column("group_key", Text, nullable=False, comment="what is told together"),
        Column("state", String(16), nullable=False),
        Column("parts", JSON, nullable=False),
        Column("parts_left_out", Integer, nullable=False),
        Column("created_at", BigInteger, nullable=False),
        Column("due_at", BigInteger, nullable=False, comment="of the next attempt"),
        Column("attempts", Integer, nullable=False),
        Column("claim", _ID, comment="of the attempt in progress"),
        Column("claimed_until", BigInteger),
        Column("error", Text, comment="of the last attempt"),
        Column("ended_at", BigInteger),
        _partial_index("notifications_gathering", "channel", "group_key", where=_GATHERING),
        _partial_index("notifications_unsent", "channel", "due_at", where=_UNSENT),
        Index("notifications_by_group", "channel", "group_key", "id"),
        Index("notifications_by_state", "state", "id"),
        Index("notifications_by_channel", "channel", "state", "id"),
    )
    op.create_table(
        "told_syncs",
        Column("route", String(600), primary_key=True),
        Column("source_region", String(63), nullable=False),
        Column("namespace", String(64), nullable=False),
        Column("repository", String(128), nullable=False),
        Column("target_region", String(63), nullable=False),
        Column("target_namespace", String(64), nullable=False),
        Column("override", Boolean, nullable=False),
        Column("tag", String(128), nullable=False),
        Column("sender", String(63), nullable=False),
        Column("told_at", BigInteger, nullable=False),
    )
    op.create_table(
        "told_problems",
        Column("key", Text, primary_key=True),
        Column("topic", String(16), nullable=False),
        Column("facts", JSON, nullable=False),
        Column("began_at", BigInteger, nullable=False),
        Column("seen_at", BigInteger, nullable=False),
    )
    op.create_table(
        "notice_cursors",
        Column("name", String(32), primary_key=True),
        Column("position", _ID, nullable=False),
    )


def _partial_index(name: str, *columns: str, where: Any) -> Index:  # noqa: ANN401  # SQL text
    return Index(name, *columns, sqlite_where=where, postgresql_where=where)
