"""Delete the bodies of ignored and duplicate deliveries before the deliveries themselves."""

from datetime import datetime
from typing import Any

from sqlalchemy import Select, select, update

from swrhook.ledger.leases import PeriodicLease
from swrhook.ledger.queries.pagination import lowest_id
from swrhook.ledger.retention import MOST_DELIVERIES, Step
from swrhook.ledger.tables import OTHER_BODY, deliveries


def prune_other_bodies(work: PeriodicLease, before: datetime, after: str) -> Step:
    """Delete the bodies that were received before the time; a step of the retention."""
    with work.database.read() as connection:
        ids = connection.scalars(aged_bodies(before, after)).all()
    if not ids:
        return Step({}, None)
    with work.step() as connection:
        is_old = (deliveries.c.id.in_(ids), OTHER_BODY)
        emptied = connection.execute(update(deliveries).where(*is_old).values(body=None)).rowcount
    return Step({"bodies": emptied}, ids[-1])


def aged_bodies(before: datetime, after: str) -> Select[Any]:
    """Return the query for deliveries whose bodies are old, along an index of them alone."""
    row_id = deliveries.c.id
    is_old = (row_id > after, row_id < lowest_id(before), deliveries.c.received_at < before)
    return select(row_id).where(OTHER_BODY, *is_old).order_by(row_id).limit(MOST_DELIVERIES)
