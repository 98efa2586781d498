"""Syncs that wait for a region to be in the configuration again."""

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Connection, and_, select, update

from swrhook.ledger.rows import LANE_COLUMNS, to_lane
from swrhook.ledger.statements import portions
from swrhook.ledger.tables import OPEN, syncs
from swrhook.ledger.waking import hold, wake_lanes
from swrhook.model import Lane, State


def not_configured(region: str) -> str:
    """Return the reason that stands beside a sync that is held for a region."""
    return f"region {region} is not in the configuration"


def release(connection: Connection, regions: Iterable[str], now: datetime) -> list[Lane]:
    """Make the syncs that were held for these regions due now; return the lanes to be woken."""
    is_held = and_(
        OPEN,
        syncs.c.state != State.CALLING.value,
        syncs.c.reason.in_([not_configured(region) for region in regions]),
    )
    columns = [syncs.c[name] for name in LANE_COLUMNS]
    found = connection.execute(select(*columns).where(is_held).distinct()).mappings()
    lanes = {to_lane(row) for row in found}
    hold(connection, lanes)  # before their syncs: so does everybody, and nobody waits in a circle
    # What has been held since, in another lane, is not touched: it asks for itself when it is due.
    for portion in portions([lane.key for lane in lanes]):
        in_lanes = syncs.c.lane.in_(portion)
        connection.execute(update(syncs).where(is_held, in_lanes).values(due_at=now))
    return wake_lanes(connection, lanes, now)
