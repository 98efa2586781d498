"""The waiting room: which lanes are ready to run, and which process runs which.

Every statement here finds its rows along an index, however many lanes wait.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    Connection,
    Integer,
    any_,
    bindparam,
    false,
    func,
    null,
    select,
    text,
    true,
    union_all,
    update,
)

from swrhook.ledger.lanes import Flow
from swrhook.ledger.rows import LANE_COLUMNS, to_lane
from swrhook.ledger.sql import PreparedStatement, execute
from swrhook.ledger.tables import HELD, READY, SCHEDULED, lanes, questions
from swrhook.model import Lane

# Lanes that become ready in one step: the writer is free again after some milliseconds.
MOST_READIED = 256
_TAKE_LOCK = 0x73777269  # any number, the same in every process


@dataclass(frozen=True, slots=True)
class Occupancy:
    """How many runs other processes have, by region and by pair of regions.

    The look for a question is one from a region to itself.
    """

    regions: Counter[str] = field(default_factory=Counter)
    pairs: Counter[tuple[str, str]] = field(default_factory=Counter)


def lock_queue(connection: Connection) -> None:
    """Keep other processes from taking lanes until the transaction ends."""
    if connection.dialect.name != "sqlite":
        execute(connection, _LOCK_QUEUE)


_LOCK_QUEUE = f"SELECT pg_advisory_xact_lock({_TAKE_LOCK})"


def make_due_ready(connection: Connection, now: datetime) -> datetime | None:
    """Make scheduled lanes ready that are due, at most MOST_READIED.

    Return when the next one is due, which is not later than `now` if there are more.
    """
    due_at = _first_scheduled(connection)
    if due_at is None or due_at > now:
        return due_at
    make_ready = _MAKE_READY if connection.dialect.name == "sqlite" else _MAKE_READY_ON_SERVER
    make_ready.run(connection, now=now, most=MOST_READIED)
    return _first_scheduled(connection)


def _first_scheduled(connection: Connection) -> datetime | None:
    due_at: datetime | None = _FIRST_SCHEDULED.scalar(connection)
    return due_at


_FIRST_SCHEDULED = PreparedStatement(select(func.min(lanes.c.due_at)).where(SCHEDULED))
_DUE = (
    select(lanes.c.key)
    .where(SCHEDULED, lanes.c.due_at <= bindparam("now", type_=lanes.c.due_at.type))
    .order_by(lanes.c.due_at)
    .limit(bindparam("most", type_=Integer))
    .with_for_update(skip_locked=True)
)
_READY = update(lanes).values(ready=true())
_MAKE_READY = PreparedStatement(_READY.where(lanes.c.key.in_(_DUE.scalar_subquery())))
# PostgreSQL would rather scan some 10,000 lanes than look up what IN may return.
_MAKE_READY_ON_SERVER = PreparedStatement(
    _READY.where(lanes.c.key == any_(func.array(_DUE.scalar_subquery())))
)


def read_waiting(connection: Connection) -> tuple[list[Flow], list[str]]:
    """Return the flows that have ready lanes, and the regions that have ready questions."""
    rows = _WAITING.rows(connection)
    flows = [Flow.parse(row["flow"]) for row in rows if row["flow"] is not None]
    return flows, [row["region"] for row in rows if row["flow"] is None]


def _distinct(name: str, column: str, table: str) -> str:
    """Return a WITH query of a column's values: an index seek for each, instead of a scan."""
    first = f"SELECT min({column}) FROM {table} WHERE {READY.text}"  # noqa: S608  # constants
    following = f"SELECT ({first} AND {column} > {name}.{column}) FROM {name}"  # noqa: S608
    return f"{name}({column}) AS ({first} UNION ALL {following} WHERE {column} IS NOT NULL)"


_WAITING = PreparedStatement(
    text(
        f"WITH RECURSIVE {_distinct('waiting_flows', 'flow', 'lanes')},"  # noqa: S608
        f" {_distinct('asked_regions', 'region', 'questions')}"
        " SELECT flow, NULL AS region FROM waiting_flows WHERE flow IS NOT NULL"
        " UNION ALL SELECT NULL, region FROM asked_regions WHERE region IS NOT NULL"
    ).columns(lanes.c.flow, questions.c.region)
)


def take_lane(connection: Connection, flow: Flow, after: str, holder: str) -> Lane | None:
    """Take the first lane of a flow's next organization after `after`; None if there is none.

    After the last organization comes the first again.
    """
    rows = _TAKE.rows(connection, flow=str(flow), after=after, holder=holder)
    return to_lane(rows[0]) if rows else None


_FIRST = (
    select(lanes.c.key)
    .where(READY, lanes.c.flow == bindparam("flow"))
    .order_by(lanes.c.namespace, lanes.c.due_at)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_NEXT = _FIRST.where(lanes.c.namespace > bindparam("after"))
_TAKE = PreparedStatement(
    update(lanes)
    .where(lanes.c.key == func.coalesce(_NEXT.scalar_subquery(), _FIRST.scalar_subquery()))
    .values(ready=false(), holder=bindparam("holder"))
    .returning(*(lanes.c[name] for name in LANE_COLUMNS))
)


def read_occupancy(connection: Connection, holder: str) -> Occupancy:
    """Return how many lanes and questions other processes than `holder` work on."""
    occupancy = Occupancy()
    for row in _HELD_LANES.rows(connection, holder=holder):
        source, target, number = row["source_region"], row["target_region"], row["number"]
        occupancy.pairs[source, target] += number
        for region in {source, target}:
            occupancy.regions[region] += number
    return occupancy


_PAIR = (lanes.c.source_region, lanes.c.target_region)
_ASKED_REGION = questions.c.region
_HELD_LANES = PreparedStatement(
    union_all(
        select(*_PAIR, func.count().label("number"))
        .where(HELD, lanes.c.holder != bindparam("holder"))
        .group_by(*_PAIR),
        select(_ASKED_REGION, _ASKED_REGION, func.count())
        .where(HELD, questions.c.holder != bindparam("holder"))
        .group_by(_ASKED_REGION),
    )
)


def free_lanes(connection: Connection, *conditions: ColumnElement[bool]) -> int:
    """Make lanes ready again whose process is lost; return how many there were."""
    # Recorders lock lanes in the order of their keys: locked in another order, they might deadlock.
    lost = select(lanes.c.key).where(HELD, *conditions).order_by(lanes.c.key).with_for_update()
    keys = connection.scalars(lost).all()
    statement = update(lanes).where(lanes.c.key.in_(keys)).values(ready=true(), holder=null())
    return connection.execute(statement).rowcount
