"""What is known of drift: what /metrics asks the ledger at each scrape."""

from collections.abc import Sequence

from sqlalchemy import func, or_, select
from sqlalchemy.exc import SQLAlchemyError

from swrhook.ledger.database import Database
from swrhook.ledger.tables import LATEST, findings, syncs
from swrhook.metrics import Drifted
from swrhook.model import State


def read_drift(database: Database) -> Sequence[Drifted] | None:
    """Return what the latest reconciles found and is not mended; None when it cannot be read."""
    columns = (findings.c.target_region, findings.c.target_namespace, findings.c.drift)
    query = (
        select(*columns, func.count())
        .select_from(findings.outerjoin(syncs, findings.c.sync == syncs.c.id))
        .where(
            LATEST,
            or_(syncs.c.state.is_(None), syncs.c.state != State.VERIFIED.value),
        )
        .group_by(*columns)
        .order_by(*columns)
    )
    try:
        with database.read() as connection:
            return [Drifted(*row) for row in connection.execute(query)]
    except (SQLAlchemyError, OSError):
        return None
