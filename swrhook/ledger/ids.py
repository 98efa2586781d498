"""Ids: ULIDs, which sort by the time they were made, so that a cursor is an id."""

from ulid import ULID


def new_id() -> str:
    """Return a new id: 26 characters, greater than those made in earlier milliseconds."""
    return str(ULID())
