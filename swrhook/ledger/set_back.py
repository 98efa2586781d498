"""A clock that was set back: what was to happen later by it happens as much sooner."""

from datetime import datetime, timedelta

from sqlalchemy import BigInteger, Connection, bindparam, case, func, select, type_coerce, update

from swrhook.ledger.instant import Instant
from swrhook.ledger.tables import OPEN, syncs

# Less than this is not worth it: clocks are slewed all the time.
_NEGLIGIBLE = timedelta(seconds=1)

_TIMES = ("due_at", "updated_at", "waiting_since", "failing_since", "verifying_since")


def follow(connection: Connection, now: datetime) -> timedelta:
    """Take from the times of open syncs by how much they are ahead; return how much that is.

    Nothing is written under a time to come: what was, was written by a clock that has been set
    back since, and would wait until it is that late again.
    """
    latest: datetime | None = connection.scalar(select(func.max(syncs.c.updated_at)).where(OPEN))
    ahead = timedelta() if latest is None else latest - now
    if ahead < _NEGLIGIBLE:
        return timedelta()
    values = {"now": now, "ahead": ahead // timedelta(microseconds=1)}
    connection.execute(_TAKE_BACK, values)
    return ahead


_NOW, _AHEAD = bindparam("now", type_=Instant), bindparam("ahead", type_=BigInteger)
_TAKE_BACK = (
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
