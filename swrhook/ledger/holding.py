"""Syncs that wait for a region to be in the configuration again."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, update

from swrhook.ledger.rows import LANE_COLUMNS, to_lane
from swrhook.ledger.tables import OPEN, syncs
from swrhook.ledger.waking import wake_lanes
from swrhook.model import Lane, State


def not_configured(region: str) -> str:
    """Return the reason that stands beside a sync that is held for a region."""
    return f"region {region} is not in the configuration"


def release(connection: Connection, regions: Iterable[str], now: datetime) -> list[Lane]:
    """Make the syncs that were held for these regions due now; return the lanes to be woken."""
    released = connection.execute(
        update(syncs)
        .where(
            OPEN,
            syncs.c.state != State.CALLING.value,
            syncs.c.reason.in_([not_configured(region) for region in regions]),
        )
        .values(due_at=now)
        .returning(*(syncs.c[name] for name in LANE_COLUMNS))
    )
    return wake_lanes(connection, {to_lane(row) for row in released.mappings()}, now)
