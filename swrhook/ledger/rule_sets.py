"""The rules that were judged: which of them every process may use, and which are held."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, Connection, and_, delete, or_, select, update

from swrhook.ledger.service_tables import rule_sets as table
from swrhook.ledger.sql import put, upsert

# Whoever judges has to be done by then; otherwise another process does it.
LEASE = timedelta(minutes=3)
# Rules that were in use so lately may be used again unjudged: a rollback must be quick.
ROLLBACK_WITHIN = timedelta(days=1)
# Held rules that no process has wanted to use for so long are no longer pending.
PENDING_FOR = timedelta(minutes=2)
_BETWEEN_NOTES = timedelta(seconds=30)
_MOST_KEPT = 200


class Verdict(StrEnum):
    """What became of rules."""

    JUDGING = "judging"  # a process measures their effect
    USED = "used"  # their effect was small, or nothing was in use before them
    HELD = "held"
    ACCEPTED = "accepted"  # by an administrator


MAY_BE_USED = frozenset({Verdict.USED, Verdict.ACCEPTED})


@dataclass(frozen=True, slots=True)
class PendingRules:
    """Held rules that some process wants to use, and their effect if it was measured in time."""

    fingerprint: str
    version: str
    at: datetime
    effect: Mapping[str, Any] | None


def find_verdict(connection: Connection, fingerprint: str, now: datetime) -> Verdict | None:
    """Return the verdict on rules, None if nobody has judged them, or they were used long ago."""
    query = select(table.c.verdict).where(table.c.fingerprint == fingerprint, ~_is_outdated(now))
    verdict = connection.scalar(query)
    return None if verdict is None else Verdict(verdict)


def _is_outdated(now: datetime) -> ColumnElement[bool]:
    """Return the condition that a verdict compares rules with others than those in use now."""
    return and_(table.c.verdict == Verdict.USED.value, table.c.at <= now - ROLLBACK_WITHIN)


def begin_judging(connection: Connection, fingerprint: str, version: str, now: datetime) -> bool:
    """Tell whether this process is the one to judge rules."""
    values = {"verdict": Verdict.JUDGING.value, "version": version, "at": now}
    statement = upsert(connection, table).values(fingerprint=fingerprint, **values)
    # A time further in the future was set by a clock that was wrong.
    is_over = or_(table.c.at <= now - LEASE, table.c.at > now + LEASE)
    is_left = and_(table.c.verdict == Verdict.JUDGING.value, is_over)
    statement = statement.on_conflict_do_update(
        index_elements=[table.c.fingerprint], set_=values, where=or_(is_left, _is_outdated(now))
    )
    return connection.execute(statement.returning(table.c.fingerprint)).first() is not None


def end_judging(
    connection: Connection,
    fingerprint: str,
    verdict: Verdict,
    effect: Mapping[str, Any] | None,
    now: datetime,
) -> None:
    """Keep a verdict, unless an administrator has accepted the rules meanwhile."""
    is_judged = and_(table.c.fingerprint == fingerprint, table.c.verdict == Verdict.JUDGING.value)
    values = {"verdict": verdict.value, "effect": effect, "at": now}
    connection.execute(update(table).where(is_judged).values(values))


def keep_used(connection: Connection, fingerprint: str, version: str, now: datetime) -> None:
    """Keep that rules are, or were until now, in use."""
    values = {"verdict": Verdict.USED.value, "version": version, "at": now}
    statement = upsert(connection, table).values(fingerprint=fingerprint, **values)
    statement = statement.on_conflict_do_update(
        index_elements=[table.c.fingerprint],
        set_={"at": now},
        where=table.c.verdict == Verdict.USED.value,
    )
    connection.execute(statement)
    newest = select(table.c.fingerprint).order_by(table.c.at.desc()).limit(_MOST_KEPT)
    connection.execute(delete(table).where(table.c.fingerprint.not_in(newest)))


def note_wanted(connection: Connection, fingerprint: str, now: datetime) -> None:
    """Note that a process wants to use held rules; so they stay pending."""
    is_old = table.c.seen_at.is_(None) | (table.c.seen_at <= now - _BETWEEN_NOTES)
    is_it = table.c.fingerprint == fingerprint
    if connection.scalar(select(table.c.fingerprint).where(is_it, is_old)) is not None:
        connection.execute(update(table).where(is_it).values(seen_at=now))


def accept_rules(
    connection: Connection, fingerprint: str, version: str, by: str, now: datetime
) -> None:
    """Let rules be used, whether they were judged or not."""
    values = {
        "verdict": Verdict.ACCEPTED.value,
        "version": version,
        "at": now,
        "accepted_by": by,
    }
    put(connection, table, {"fingerprint": fingerprint}, values)


def list_pending(connection: Connection, now: datetime) -> list[PendingRules]:
    """Return the held rules that some process wants to use, the latest first."""
    columns = (table.c.fingerprint, table.c.version, table.c.at, table.c.effect)
    is_pending = (table.c.verdict == Verdict.HELD.value, table.c.seen_at > now - PENDING_FOR)
    query = select(*columns).where(*is_pending).order_by(table.c.at.desc())
    return [PendingRules(*row) for row in connection.execute(query)]
