"""What was told already: the syncs that failed or were late, and the problems that go on.

The first tells when a sync that was told is verified after all, the second that a problem is over.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, Select, and_, delete, func, not_, select

from swrhook.ledger.notices import item_of, subject_of, wording_of
from swrhook.ledger.notification_tables import notice_cursors, told_problems, told_syncs
from swrhook.ledger.pauses import ended_pauses, is_not_paused, recent_pauses
from swrhook.ledger.queries.pagination import lowest_id, state_walk
from swrhook.ledger.rows import LANE_COLUMNS
from swrhook.ledger.sql import put, upsert
from swrhook.ledger.tables import deliveries, syncs
from swrhook.model import OPEN_STATES, Outcome, State
from swrhook.notifications.model import Facts, Notice, Topic

# Several processes see these problems, each at times of its own.
_SEEN_BY_SEVERAL = frozenset({Topic.REGION, Topic.CONFIGURATION})
# The facts of a problem that say nothing of its end.
_ONLY_WHILE_OPEN = frozenset({"message", "remedy"})
# How many rows a search for something to tell reads at most.
MOST_ROWS = 500
# A delivery's id is older than its commit. What was recorded within this time is read later.
_COMMITTED_WITHIN = timedelta(seconds=15)
# A problem that is not seen for so long is over: shorter gaps would be told as two problems.
OVER_AFTER = timedelta(minutes=1)
# A sync that is held up for a shorter time is not worth a message.
HELD_UP_FOR = timedelta(minutes=1)
_NOT_ASKED = "not_asked"  # the error of a sync that waits for an open circuit breaker

_SYNC_COLUMNS = [
    *(syncs.c[name] for name in ("id", "sender", *LANE_COLUMNS, "tag", "route", "state")),
    *(syncs.c[name] for name in ("reason", "error_message", "wording", "created_at")),
]


def remember_syncs(connection: Connection, rows: Iterable[Any], now: datetime) -> None:
    """Remember syncs that are told as failed or late."""
    values = [
        {
            "told_at": now,
            **{name: getattr(row, name) for name in ("route", *LANE_COLUMNS, "tag", "sender")},
        }
        for row in rows
    ]
    if values:
        statement = upsert(connection, told_syncs).on_conflict_do_nothing(index_elements=["route"])
        connection.execute(statement, values)


def take_recovered(connection: Connection, after: str) -> tuple[list[Notice], str]:
    """Return notices of told syncs that are verified now, and forget these.

    Reads the routes after `after`; the second value is where to go on, empty for the beginning.
    """
    query = select(told_syncs).where(told_syncs.c.route > after).order_by(told_syncs.c.route)
    rows = connection.execute(query.limit(MOST_ROWS)).all()
    notices, settled = [], []
    for row in rows:
        newest = connection.execute(_newest_sync(row)).first()
        if newest is None or newest.state in (State.VERIFIED.value, State.CANCELLED.value):
            settled.append(row.route)
        if newest is not None and newest.state == State.VERIFIED.value:
            notices.append(_recovery(newest))
    if settled:
        connection.execute(delete(told_syncs).where(told_syncs.c.route.in_(settled)))
    return notices, rows[-1].route if len(rows) == MOST_ROWS else ""


def _newest_sync(row: Any) -> Select[Any]:  # noqa: ANN401  # a row
    names = ("namespace", "repository", "tag")
    of_tag = [syncs.c[name] == getattr(row, name) for name in names]
    query = select(*_SYNC_COLUMNS, syncs.c.verified_at).where(*of_tag, syncs.c.route == row.route)
    return query.order_by(syncs.c.id.desc()).limit(1)


def _recovery(sync: Any) -> Notice:  # noqa: ANN401  # a row
    return _notice_of(sync, Topic.RECOVERED, sync.verified_at)


def late_syncs(connection: Connection, now: datetime, late_after: timedelta) -> list[Any]:
    """Return the syncs that have become late since the last search: open for `late_after`.

    Time until the end of a pause does not count. Each sync is returned once, at most MOST_ROWS at a
    time, and at most so many of those that a pause held back for long.
    """
    late_before = now - late_after
    begin, limit = _cursor(connection, "late", late_before), lowest_id(late_before)
    is_running = is_not_paused(recent_pauses(connection, late_before), syncs.c)
    rows = _open_syncs(connection, begin, limit, is_running)
    end = rows[-1].id if len(rows) == MOST_ROWS else limit
    _move_cursor(connection, "late", begin, end, now)
    for pause in ended_pauses(connection, begin, end):
        # The cursor has passed these by, because they were held back at the time.
        was_held = not_(and_(*is_not_paused([pause], syncs.c)))
        first = lowest_id(pause.since - late_after)
        rows += _open_syncs(connection, first, begin, [was_held, *is_running])
    return list({row.id: row for row in rows}.values())


def _open_syncs(
    connection: Connection, after: str, before: str, conditions: Iterable[ColumnElement[bool]]
) -> list[Any]:
    rows: list[Any] = []
    for state in sorted(OPEN_STATES):
        query = select(*_SYNC_COLUMNS).where(*state_walk(state, after, before), syncs.c.id > after)
        query = query.where(~syncs.c.backfill)  # these wait for all others, as they should
        query = query.where(*conditions).order_by(syncs.c.state, syncs.c.id).limit(MOST_ROWS)
        rows += connection.execute(query).all()
    return sorted(rows, key=lambda row: str(row.id))[:MOST_ROWS]


def lateness_of(sync: Any) -> Notice:  # noqa: ANN401  # a row
    """Return the notice of a sync that is late."""
    return _notice_of(sync, Topic.LATE, sync.created_at)


def _notice_of(sync: Any, topic: Topic, at: datetime) -> Notice:  # noqa: ANN401  # a row
    facts = {"source_region": sync.source_region, "target_region": sync.target_region}
    cause = f"{sync.source_region}>{sync.target_region}"
    return Notice(topic, cause, at, facts, item_of(sync), subject_of(sync))


_DELIVERY_COLUMNS = ("id", "sender", "reason", "wording", "received_at")


def quarantined_deliveries(connection: Connection, now: datetime) -> list[Notice]:
    """Return notices of the deliveries that were quarantined since the last search."""
    settled_before = now - _COMMITTED_WITHIN
    begin, limit = _cursor(connection, "quarantined", settled_before), lowest_id(settled_before)
    query = (
        select(*(deliveries.c[name] for name in _DELIVERY_COLUMNS))
        .where(deliveries.c.outcome == Outcome.QUARANTINED.value)
        .where(deliveries.c.id > begin, deliveries.c.id < limit)
        .order_by(deliveries.c.id)
        .limit(MOST_ROWS)
    )
    rows = connection.execute(query).all()
    end = rows[-1].id if len(rows) == MOST_ROWS else limit
    _move_cursor(connection, "quarantined", begin, end, now)
    return [
        Notice(
            Topic.QUARANTINED,
            row.sender,
            row.received_at,
            {"sender": row.sender},
            {
                "delivery": row.id,
                "sender": row.sender,
                "reason": row.reason,
                **wording_of(row),
            },
            {"sender": row.sender},
        )
        for row in rows
    ]


def held_up_ways(connection: Connection, now: datetime) -> dict[str, Facts]:
    """Return the pairs of regions between which syncs wait for an open circuit breaker.

    The facts are by key. Of each state, only the oldest syncs are looked at.
    """
    ways: dict[str, Facts] = {}
    for state in sorted(OPEN_STATES):
        names = ("id", "state", "source_region", "target_region", "failing_since", "error_code")
        columns = [*(syncs.c[name] for name in names), syncs.c.error_message]
        query = select(*columns).where(*state_walk(state)).order_by(syncs.c.state, syncs.c.id)
        oldest = query.limit(2 * MOST_ROWS).subquery()
        regions = (oldest.c.source_region, oldest.c.target_region)
        held_up = (
            select(*regions, func.max(oldest.c.error_message).label("message"))
            .where(oldest.c.failing_since < now - HELD_UP_FOR, oldest.c.error_code == _NOT_ASKED)
            .group_by(*regions)
        )
        for row in connection.execute(held_up):
            ways[f"{row.source_region}>{row.target_region}"] = {
                "source_region": row.source_region,
                "target_region": row.target_region,
                "message": row.message,
            }
    return ways


@dataclass(frozen=True, slots=True)
class Problem:
    """Something that goes on: its key, its facts, and the value that rules select it by."""

    key: str
    facts: Facts
    subject: Mapping[str, str]


def has_problems(connection: Connection, topic: Topic) -> bool:
    """Tell whether a problem of this topic was told, and is not over."""
    query = select(told_problems.c.key).where(told_problems.c.topic == topic.value).limit(1)
    return connection.scalar(query) is not None


def update_problems(
    connection: Connection, topic: Topic, prefix: str, problems: Sequence[Problem], now: datetime
) -> list[Notice]:
    """Compare what goes on with what was told; return what has begun and what is over.

    Only problems whose keys begin with the prefix are compared: other processes see others.
    """
    open_rows = {
        row.key: row
        for row in connection.execute(
            select(told_problems).where(told_problems.c.topic == topic.value)
        )
        if row.key.startswith(prefix)
    }
    for problem in problems:
        row = open_rows.get(problem.key)
        values = {
            "topic": topic.value,
            "facts": dict(problem.facts),
            "began_at": now if row is None else row.began_at,
            "seen_at": now,
        }
        put(connection, told_problems, {"key": problem.key}, values)
    begun = [
        Notice(topic, problem.key, now, problem.facts, None, problem.subject)
        for problem in problems
        if problem.key not in open_rows
    ]
    keys = {problem.key for problem in problems}
    over = [
        row
        for key, row in open_rows.items()
        if key not in keys and (topic not in _SEEN_BY_SEVERAL or row.seen_at <= now - OVER_AFTER)
    ]
    return begun + _end_problems(connection, topic, over, now)


def _end_problems(
    connection: Connection, topic: Topic, rows: Sequence[Any], now: datetime
) -> list[Notice]:
    notices = []
    for row in rows:
        connection.execute(delete(told_problems).where(told_problems.c.key == row.key))
        facts = {name: fact for name, fact in row.facts.items() if name not in _ONLY_WHILE_OPEN}
        subject = {"sender": facts["sender"]} if "sender" in facts else {}
        facts["is_over"] = True
        notices.append(Notice(topic, f"{row.key}:over", now, facts, None, subject))
    return notices


def _cursor(connection: Connection, name: str, start: datetime) -> str:
    """Return the position of a search; the first one begins at `start`."""
    query = select(notice_cursors.c.position).where(notice_cursors.c.name == name)
    position: str | None = connection.scalar(query)
    return position or lowest_id(start)


def _move_cursor(connection: Connection, name: str, begin: str, end: str, now: datetime) -> None:
    """Move the position of a search on from `begin` to `end`.

    It moves back only from the future, where a clock that was wrong had set it: otherwise a clock
    that is seconds behind, or a longer `late_after`, would let the same rows be found again.
    """
    if end >= begin or begin > lowest_id(now):
        put(connection, notice_cursors, {"name": name}, {"position": end})
