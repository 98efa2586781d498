"""The latest sync of a tag to each of its targets: read for every question about an image."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, bindparam, select

from swrhook.ledger.sql import PreparedStatement
from swrhook.ledger.tables import syncs
from swrhook.model import OPEN_STATES, Target

# Only the newest syncs of a tag are searched.
_MOST_SEARCHED = 200


@dataclass(frozen=True, slots=True)
class LatestSync:
    """The latest sync of a tag to a target."""

    id: str
    source_region: str
    is_open: bool
    due_at: datetime | None


def latest_syncs(
    connection: Connection, namespace: str, repository: str, tag: str
) -> Mapping[Target, LatestSync]:
    """Return the latest sync of a tag to each target, by the tag's names at the source."""
    latest: dict[Target, LatestSync] = {}
    rows = _LATEST.rows(connection, namespace=namespace, repository=repository, tag=tag)
    for row in rows:
        target = Target(row["target_region"], row["target_namespace"])
        is_open = row["state"] in OPEN_STATES
        sync = LatestSync(row["id"], row["source_region"], is_open, row["due_at"])
        latest.setdefault(target, sync)
    return latest


_COLUMNS = ("id", "source_region", "target_region", "target_namespace", "state", "due_at")
_LATEST = PreparedStatement(
    select(*(syncs.c[name] for name in _COLUMNS))
    .where(*(syncs.c[name] == bindparam(name) for name in ("namespace", "repository", "tag")))
    .order_by(syncs.c.id.desc())
    .limit(_MOST_SEARCHED)
)
