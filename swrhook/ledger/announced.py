"""The pushes that were recorded, in pages, the newest first."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from sqlalchemy import select

from swrhook.ledger.database import Database
from swrhook.ledger.tables import deliveries, pushes
from swrhook.ledger.walking import window
from swrhook.model import Push

_PAGE = 1000


def announced(database: Database, since: datetime) -> Iterator[Sequence[Push]]:
    """Yield pages of the pushes recorded since then; nothing is held in between.

    What the sender told beside the tag is left out, so that pushes of the same tag are equal.
    """
    columns = (
        pushes.c.source,
        pushes.c.region,
        pushes.c.namespace,
        pushes.c.repository,
        pushes.c.tag,
    )
    query = (
        select(*columns, pushes.c.id)
        .join_from(pushes, deliveries, deliveries.c.id == pushes.c.delivery)
        .order_by(pushes.c.id.desc())
        .limit(_PAGE)
    )
    cursor = None
    while True:
        conditions = window(pushes, deliveries.c.received_at, since, cursor)
        with database.read() as connection:
            rows = connection.execute(query.where(*conditions)).all()
        if rows:
            cursor = rows[-1].id
            yield [Push(*row[: len(columns)]) for row in rows]
        if len(rows) < _PAGE:
            return
