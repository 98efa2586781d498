"""Messages for channels: gathered until they are due, claimed for each attempt, and ended."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Connection, delete, insert, or_, select, update

from swrhook.ledger.leases import PeriodicLease
from swrhook.ledger.notification_tables import GATHERING, UNSENT, notifications
from swrhook.ledger.queries.pagination import lowest_id, newer_than, page_ids
from swrhook.ledger.queries.views import Page, PageFilter
from swrhook.ledger.retention import MOST_ROWS, Step
from swrhook.ledger.rows import field_columns
from swrhook.ledger.types import new_id
from swrhook.notifications.model import Draft, Notification, NotificationState, Part
from swrhook.notifications.parts import merge_parts

# A claim lasts longer than any attempt.
LEASE = timedelta(minutes=2)


def gather(connection: Connection, draft: Draft, now: datetime, due_at: datetime) -> None:
    """Add parts to the channel's message that gathers under the key, or begin one."""
    is_it = (notifications.c.channel == draft.channel, notifications.c.group_key == draft.key)
    row = connection.execute(
        select(notifications.c.id, notifications.c.parts, notifications.c.parts_left_out)
        .where(*is_it, GATHERING)
        .with_for_update()
    ).first()
    if row is None:
        begin(connection, draft, now, due_at)
        return
    before = [Part.from_json(part) for part in row.parts]
    merged, left_out = merge_parts(before, draft.parts, row.parts_left_out)
    values = {"parts": [part.to_json() for part in merged], "parts_left_out": left_out}
    connection.execute(
        update(notifications).where(notifications.c.id == row.id, GATHERING).values(values)
    )


def begin(connection: Connection, draft: Draft, now: datetime, due_at: datetime) -> str:
    """Begin a message; return its id."""
    merged, left_out = merge_parts((), draft.parts)
    message_id = new_id()
    row = {
        "id": message_id,
        "channel": draft.channel,
        "topic": merged[0].topic.value,
        "group_key": draft.key,
        "state": NotificationState.GATHERING.value,
        "parts": [part.to_json() for part in merged],
        "parts_left_out": left_out,
        "created_at": now,
        "due_at": due_at,
        "attempts": 0,
    }
    connection.execute(insert(notifications), row)
    return message_id


def last_due_at(connection: Connection, channel: str, key: str) -> datetime | None:
    """Return when the channel's last message with a key was due; None if there is none."""
    return connection.scalar(
        select(notifications.c.due_at)
        .where(notifications.c.channel == channel, notifications.c.group_key == key)
        .order_by(notifications.c.id.desc())
        .limit(1)
    )


def due_channels(connection: Connection, now: datetime) -> list[str]:
    """Return the channels that have a message to deliver now."""
    query = select(notifications.c.channel).where(*_is_due(now)).distinct()
    return list(connection.scalars(query.order_by(notifications.c.channel)))


@dataclass(frozen=True, slots=True)
class Claim:
    """A message that this process delivers, and how often that was tried before."""

    id: str
    message: Notification
    attempts: int


def claim_due(connection: Connection, channel: str, now: datetime) -> Claim | None:
    """Claim the channel's message that is due first; None if another process has it."""
    is_due = (notifications.c.channel == channel, *_is_due(now))
    first = select(notifications.c.id).where(*is_due).order_by(notifications.c.due_at).limit(1)
    claim = new_id()
    values = {
        "state": NotificationState.SENDING.value,
        "claim": claim,
        "claimed_until": now + LEASE,
    }
    statement = update(notifications).where(
        notifications.c.id == first.scalar_subquery(), *_is_due(now)
    )
    row = connection.execute(statement.values(values).returning(notifications)).first()
    if row is None:
        return None
    parts = [Part.from_json(part) for part in row.parts]
    message = Notification(row.id, channel, row.created_at, parts, row.parts_left_out)
    return Claim(claim, message, row.attempts)


def end(connection: Connection, claim: Claim, now: datetime, error: str | None) -> bool:
    """End a message: sent without an error, else failed; False if the claim was lost."""
    state = NotificationState.SENT if error is None else NotificationState.FAILED
    values = {"state": state.value, "ended_at": now, "error": error}
    return _settle(connection, claim, values)


def postpone(connection: Connection, claim: Claim, due_at: datetime, error: str) -> bool:
    """Keep a message for another attempt; False if the claim was lost."""
    return _settle(connection, claim, {"due_at": due_at, "error": error})


def send_again(connection: Connection, message_id: str, now: datetime) -> bool:
    """Deliver an ended message again; False if it has not ended or does not exist."""
    values = {
        "state": NotificationState.SENDING.value,
        "due_at": now,
        "ended_at": None,
        "attempts": 0,
        "error": None,
    }
    has_ended = notifications.c.ended_at.is_not(None)
    statement = update(notifications).where(notifications.c.id == message_id, has_ended)
    return connection.execute(statement.values(values)).rowcount == 1


def fail_unknown(connection: Connection, channels: Iterable[str], now: datetime) -> int:
    """End the messages for channels that are not configured any more; return how many."""
    values = {
        "state": NotificationState.FAILED.value,
        "ended_at": now,
        "error": "the channel is not in the configuration any more",
    }
    is_unknown = notifications.c.channel.not_in([*channels])
    return connection.execute(
        update(notifications).where(UNSENT, is_unknown).values(values)
    ).rowcount


def prune_notifications(work: PeriodicLease, before: datetime, after: str) -> Step:
    """Delete messages that ended before the time; a step of the retention."""
    of_the_time = (notifications.c.id > after, notifications.c.id < lowest_id(before))
    query = select(notifications.c.id).where(*of_the_time, notifications.c.ended_at < before)
    with work.database.read() as connection:
        ids = connection.scalars(query.order_by(notifications.c.id).limit(MOST_ROWS)).all()
    if not ids:
        return Step({}, None)
    with work.step() as connection:
        statement = delete(notifications).where(notifications.c.id.in_(ids))
        return Step({"notifications": connection.execute(statement).rowcount}, ids[-1])


def _settle(connection: Connection, claim: Claim, values: Mapping[str, Any]) -> bool:
    statement = update(notifications).where(notifications.c.claim == claim.id)
    statement = statement.where(notifications.c.id == claim.message.id)
    ended = {"attempts": claim.attempts + 1, "claim": None, "claimed_until": None}
    return connection.execute(statement.values(**ended, **values)).rowcount == 1


def _is_due(now: datetime) -> tuple[ColumnElement[bool] | Any, ...]:
    is_free = or_(
        notifications.c.claim.is_(None),
        notifications.c.claimed_until < now,
        notifications.c.claimed_until > now + 2 * LEASE,  # set by a clock that was set back since
    )
    return UNSENT, notifications.c.due_at <= now, is_free


@dataclass(frozen=True, slots=True)
class ListedNotification:
    """A message as the API shows it."""

    id: str
    channel: str
    topic: str
    state: str
    parts: Sequence[Mapping[str, Any]]
    parts_left_out: int
    attempts: int
    error: str | None
    created_at: datetime
    due_at: datetime
    ended_at: datetime | None


@dataclass(frozen=True, slots=True)
class NotificationFilter(PageFilter):
    """Which messages to list; None and an empty `states` match all."""

    channel: str | None = None
    states: frozenset[str] = frozenset()
    since: datetime | None = None


_COLUMNS = field_columns(notifications, ListedNotification)


def list_notifications(
    connection: Connection, filters: NotificationFilter
) -> Page[ListedNotification]:
    """Return a page of the messages, newest first."""
    conditions = newer_than(notifications, notifications.c.created_at, filters.since)
    ids, cursor = page_ids(connection, notifications, filters, _walks(filters), conditions)
    query = select(*_COLUMNS).where(notifications.c.id.in_(ids))
    rows = connection.execute(query.order_by(notifications.c.id.desc())).mappings()
    return Page([ListedNotification(**row) for row in rows], cursor)


def _walks(filters: NotificationFilter) -> list[list[ColumnElement[bool]]]:
    states = filters.states
    if filters.channel is None:
        return [[notifications.c.state == state] for state in sorted(states)] or [[]]
    of_channel = notifications.c.channel == filters.channel
    return [[of_channel, notifications.c.state == state] for state in states or NotificationState]


def find_notification(connection: Connection, message_id: str) -> ListedNotification | None:
    """Return one message, None if there is none with this id."""
    query = select(*_COLUMNS).where(notifications.c.id == message_id)
    row = connection.execute(query).mappings().first()
    return None if row is None else ListedNotification(**row)
