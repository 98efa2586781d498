"""Puts lanes into the waiting room, takes them, and shows where they stand."""

from datetime import datetime
from typing import Any

from swrhook.ledger.database import Database
from swrhook.ledger.lane_queue import take_lane
from swrhook.ledger.lanes import Flow, release_lane, schedule_lanes
from swrhook.ledger.tables import lanes
from swrhook.model import Lane, Target, Urgency
from tests.factories import LANE, NOW, SECOND, everything

HOLDER, OTHER_HOLDER = "H" * 26, "I" * 26


def lane(
    repository: str = "web",
    organization: str = "team",
    source: str = "cn-north-4",
    target: str = "cn-east-3",
) -> Lane:
    return Lane(source, organization, repository, Target(target, "team"), override=False)


def flow(lane: Lane = LANE, urgency: Urgency = Urgency.FRESH, sender: str = "harbor") -> Flow:
    return Flow.of(lane, urgency, sender)


def schedule(
    database: Database,
    *lanes: Lane,
    urgency: Urgency = Urgency.FRESH,
    sender: str = "harbor",
    after: float = 0,
) -> list[Lane]:
    """Make lanes ready, some seconds after NOW."""
    with database.write() as connection:
        senders = dict.fromkeys(lanes, sender)
        return schedule_lanes(connection, senders, urgency, NOW + after * SECOND)


def take(
    database: Database, wanted: Flow | None = None, after: str = "", holder: str = HOLDER
) -> Lane | None:
    with database.write() as connection:
        return take_lane(connection, wanted or flow(), after, holder)


def release(
    database: Database, lane: Lane = LANE, not_before: datetime | None = None
) -> datetime | None:
    with database.write() as connection:
        return release_lane(connection, lane, NOW, not_before)


def row_of(database: Database, lane: Lane = LANE) -> dict[str, Any]:
    return next(row for row in everything(database, lanes) if row["key"] == lane.key)


def place(
    database: Database, lane: Lane = LANE
) -> tuple[str | None, datetime | None, bool, str | None]:
    """Return a lane's flow, when it is due, whether it is ready, and its holder."""
    row = row_of(database, lane)
    return row["flow"], row["due_at"], row["ready"], row["holder"]
