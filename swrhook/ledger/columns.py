"""What the tables share: their metadata, and the types of their columns."""

from typing import Any

from sqlalchemy import Boolean, Column, MetaData, String

metadata = MetaData()

ID = String(26)  # a ULID, see types.new_id
SENDER, REGION = String(63), String(63)
NAMESPACE, REPOSITORY, TAG, DIGEST = String(64), String(128), String(128), String(135)
LANE_KEY = String(600)


def lane_columns() -> list[Column[Any]]:
    """Return the columns of a `Lane`."""
    return [
        Column("source_region", REGION, nullable=False),
        Column("namespace", NAMESPACE, nullable=False),
        Column("repository", REPOSITORY, nullable=False),
        Column("target_region", REGION, nullable=False),
        Column("target_namespace", NAMESPACE, nullable=False),
        Column("override", Boolean, nullable=False),
    ]
