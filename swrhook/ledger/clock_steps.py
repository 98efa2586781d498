"""Steps of the wall clock on SQLite: due times are shifted when the clock was set back.

The clock was set back if it is behind a time that was noted in the ledger, or, while the process
runs, if it lost time against the monotonic clock. Without the shift, syncs would wait until the
clock is where it was.
"""

import time
from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Connection, bindparam, case, select, type_coerce, update

from swrhook import logs
from swrhook.ledger.database import after_commit
from swrhook.ledger.discovery_tables import organizations, repositories
from swrhook.ledger.notification_tables import notifications
from swrhook.ledger.repair_tables import repairs
from swrhook.ledger.service_tables import leases
from swrhook.ledger.sql import put
from swrhook.ledger.tables import OPEN, lanes, observations, questions, syncs
from swrhook.ledger.types import Instant
from swrhook.syncs.observations import LONGEST_AGE

# Smaller steps are ignored: NTP makes them all the time.
_NEGLIGIBLE = timedelta(seconds=1)
_BETWEEN_NOTES = 5.0  # seconds
_NAME = "clock"


class ClockSteps:
    """Notes the time in the ledger while lanes run, and finds steps back."""

    def __init__(self) -> None:
        self._offset: float | None = None  # of the wall clock to the monotonic one
        self._noted_at = -_BETWEEN_NOTES

    def check(self, connection: Connection, now: datetime) -> None:
        """Shift the due times if the clock was set back since the last check, or since the start.

        Called in each transaction that takes a lane, so the noted time is never much older than
        the last time at which a lane was scheduled.
        """
        monotonic = time.monotonic()
        offset = now.timestamp() - monotonic
        if self._offset is None:
            ahead = _noted(connection, now) - now
        else:
            ahead = timedelta(seconds=self._offset - offset)
        if ahead > _NEGLIGIBLE:
            shift_due_times(connection, now, ahead)
            logs.warning("clock.set_back", seconds=round(ahead.total_seconds()))
        is_note_due = ahead > _NEGLIGIBLE or monotonic - self._noted_at >= _BETWEEN_NOTES
        if is_note_due:
            put(connection, leases, {"name": _NAME}, {"renewed_at": now})

        def remember() -> None:
            self._offset = offset
            if is_note_due:
                self._noted_at = monotonic

        after_commit(connection, remember)  # otherwise a step would be lost with its transaction


def _noted(connection: Connection, now: datetime) -> datetime:
    query = select(leases.c.renewed_at).where(leases.c.name == _NAME)
    return connection.scalar(query) or now


def shift_due_times(connection: Connection, now: datetime, ahead: timedelta) -> None:
    """Shift all times of open syncs and other waiting work that are in the future by `ahead`.

    Observations are shifted, too, so that none seems younger than it is.
    """
    microseconds = ahead // timedelta(microseconds=1)
    parameters = {"now": now, "ahead": microseconds}
    connection.execute(_SHIFT_SYNCS, parameters)
    for statement in _SHIFTS:
        connection.execute(statement, parameters)
    recent = {"recent": now - LONGEST_AGE, "ahead": microseconds}
    connection.execute(_SHIFT_OBSERVATIONS, recent)


_NOW, _AHEAD = bindparam("now", type_=Instant), bindparam("ahead", type_=BigInteger)
_TIMES = ("due_at", "updated_at", "waiting_since", "failing_since", "verifying_since")
_SHIFT_SYNCS = (
    update(syncs)
    .where(OPEN, syncs.c.updated_at > _NOW)
    .values(
        {
            name: case(
                (syncs.c[name] > _NOW, type_coerce(syncs.c[name], BigInteger) - _AHEAD),
                else_=syncs.c[name],
            )
            for name in _TIMES
        }
    )
)
_SHIFT_OBSERVATIONS = (
    update(observations)
    .where(observations.c.observed_at > bindparam("recent", type_=Instant))
    .values(observed_at=type_coerce(observations.c.observed_at, BigInteger) - _AHEAD)
)
# Beside due times: of questions, as a look that begins now would answer none that was asked in the
# future; and those that tell what was listed and compared since a repair began.
_SHIFTS = [
    update(column.table)
    .where(column > _NOW)
    .values({column.name: type_coerce(column, BigInteger) - _AHEAD})
    for column in (
        lanes.c.due_at,
        notifications.c.due_at,
        *(repairs.c[name] for name in ("due_at", "created_at", "updated_at")),
        *(questions.c[name] for name in ("since", "until", "asked_at", "held_until")),
        *(organizations.c[name] for name in ("seen_at", "listed_at", "whole_at")),
        *(repositories.c[name] for name in ("seen_at", "visited_at", "compared_at")),
    )
]
