"""What places hold now: questions of any process, which a worker answers.

A question is a row while somebody waits for its answer. All that ask about a place share it, and
the worker that looks holds it, so that SWR is asked once in the whole cluster. The answer is an
observation of the place.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import cache
from typing import Any

from sqlalchemy import (
    Connection,
    and_,
    bindparam,
    case,
    delete,
    false,
    null,
    select,
    true,
    update,
)
from sqlalchemy.sql.dml import Insert

from swrhook.ledger.bulk_insert import insert_rows
from swrhook.ledger.database import Database
from swrhook.ledger.observations import keep_observations
from swrhook.ledger.sql import PreparedStatement, upsert_on
from swrhook.ledger.tables import HELD, READY
from swrhook.ledger.tables import questions as table
from swrhook.syncs.observations import Place, TagObservation

# A worker holds a question for so long; then it is thought to be gone, and another one looks.
LEASE = timedelta(seconds=10)


@dataclass(frozen=True, slots=True)
class Failure:
    """Why a place could not be read; `is_final`: another look would fail in the same way."""

    message: str
    is_final: bool


def ask(
    connection: Connection,
    places: Iterable[Place],
    now: datetime,
    *,
    since: datetime,
    until: datetime,
) -> None:
    """Ask what these places hold: a look that began before `since` is no answer.

    Nobody waits for the answer after `until`.
    """
    rows = [_row(place, now, since, until) for place in sorted(set(places))]
    insert_rows(connection, _upsert(connection.dialect.name), rows)


@cache
def _upsert(database: str) -> Insert:
    statement = upsert_on(database, table)
    new = statement.excluded
    is_held = table.c.holder.is_not(None)
    return statement.on_conflict_do_update(
        index_elements=[table.c.place],
        set_={
            "since": case((new.since > table.c.since, new.since), else_=table.c.since),
            "until": case((new.until > table.c.until, new.until), else_=table.c.until),
            "ready": case((is_held, table.c.ready), else_=new.ready),
            "error": case((is_held, table.c.error), else_=new.error),
            "is_final": case((is_held, table.c.is_final), else_=new.is_final),
        },
    )


def _row(place: Place, now: datetime, since: datetime, until: datetime) -> dict[str, object]:
    return {
        "place": str(place),
        "region": place.region,
        "namespace": place.namespace,
        "repository": place.repository,
        "tag": place.tag,
        "since": since,
        "until": until,
        "asked_at": now,
        "ready": True,
        "error": None,
        "is_final": False,
    }


def take_question(connection: Connection, region: str, holder: str, now: datetime) -> Place | None:
    """Take the question about a region that has waited longest; None if there is none."""
    rows = _TAKE.rows(connection, in_region=region, new_holder=holder, lease_end=now + LEASE)
    return Place(**rows[0]) if rows else None


_INSTANT = table.c.until.type
_NEXT = (
    select(table.c.place)
    .where(READY, table.c.region == bindparam("in_region"))
    .order_by(table.c.asked_at)
    .limit(1)
    .with_for_update(skip_locked=True)
)
_TAKE = PreparedStatement(
    update(table)
    .where(table.c.place == _NEXT.scalar_subquery())
    .values(
        ready=false(),
        holder=bindparam("new_holder"),
        held_until=bindparam("lease_end", type_=_INSTANT),
    )
    .returning(table.c.region, table.c.namespace, table.c.repository, table.c.tag)
)


@dataclass(frozen=True, slots=True)
class QuestionSession:
    """A question that `holder`, this process, answers."""

    database: Database
    place: Place
    holder: str

    def answer(self, seen: TagObservation) -> None:
        """Keep what was seen; if somebody has asked for a later look meanwhile, it is due now."""
        with self.database.write(durable=False) as connection:
            key = {"of_place": str(self.place), "of_holder": self.holder}
            _END.run(connection, **key, seen_at=seen.observed_at)
            _RELEASE.run(connection, **key)
            keep_observations(connection, [seen])

    def fail(self, failure: Failure) -> None:
        """End the question without an answer, until somebody asks again."""
        with self.database.write(durable=False) as connection:
            _FAIL.run(
                connection,
                of_place=str(self.place),
                of_holder=self.holder,
                new_error=failure.message,
                final=failure.is_final,
            )

    def give_back(self) -> None:
        """Leave the question to the next look."""
        with self.database.write(durable=False) as connection:
            _RELEASE.run(connection, of_place=str(self.place), of_holder=self.holder)


_IS_MINE = and_(table.c.place == bindparam("of_place"), table.c.holder == bindparam("of_holder"))
_FREE: Mapping[str, Any] = {"holder": null(), "held_until": null()}
_END = PreparedStatement(
    delete(table).where(_IS_MINE, table.c.since <= bindparam("seen_at", type_=_INSTANT))
)
_RELEASE = PreparedStatement(update(table).where(_IS_MINE).values(ready=true(), **_FREE))
_FAIL = PreparedStatement(
    update(table)
    .where(_IS_MINE)
    .values(error=bindparam("new_error"), is_final=bindparam("final"), **_FREE)
)


def find_failures(connection: Connection, places: Collection[Place]) -> dict[Place, Failure]:
    """Return why the last look at these places has failed, where it has."""
    by_key = {str(place): place for place in places}
    rows = _FAILED.rows_in_portions(connection, "places", by_key)
    return {by_key[row["place"]]: Failure(row["error"], row["is_final"]) for row in rows}


_FAILED = PreparedStatement(
    select(table.c.place, table.c.error, table.c.is_final).where(
        table.c.place.in_(bindparam("places", expanding=True)), table.c.error.is_not(None)
    )
)


def sweep_questions(connection: Connection, now: datetime) -> None:
    """Free the questions of workers that are gone, and delete those for which nobody waits."""
    connection.execute(_FREE_LOST, {"now": now})
    connection.execute(_DELETE_OLD, {"now": now})


_NOW = bindparam("now", type_=_INSTANT)
_FREE_LOST = update(table).where(HELD, table.c.held_until <= _NOW).values(ready=true(), **_FREE)
_DELETE_OLD = delete(table).where(table.c.holder.is_(None), table.c.until < _NOW)
