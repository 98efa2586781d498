"""The chains of syncs that `superseded_by` forms."""

from collections.abc import Collection

from sqlalchemy import Connection, select

from swrhook.ledger.sql import in_portions
from swrhook.ledger.tables import syncs


def find_successors(connection: Connection, sync_ids: Collection[str]) -> dict[str, str]:
    """Return, by id, the last sync of each one's chain that is kept: itself if it goes on.

    One statement follows the chains, however long they are. Unknown ids are left out.
    """
    successors: dict[str, str] = {}
    for portion in in_portions(sync_ids):
        first = select(syncs.c.id.label("first"), syncs.c.id, syncs.c.superseded_by)
        chain = first.where(syncs.c.id.in_(portion)).cte("chain", recursive=True)
        following = select(chain.c.first, syncs.c.id, syncs.c.superseded_by)
        chain = chain.union_all(following.where(syncs.c.id == chain.c.superseded_by))
        has_next = select(syncs.c.id).where(syncs.c.id == chain.c.superseded_by).exists()
        rows = connection.execute(select(chain.c.first, chain.c.id).where(~has_next))
        successors |= {row.first: row.id for row in rows}
    return successors
