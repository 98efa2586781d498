"""What every place held when it was last observed: one row for each place."""

from collections.abc import Collection, Iterable
from dataclasses import dataclass
from datetime import datetime
from functools import cache

from sqlalchemy import (
    BigInteger,
    Connection,
    bindparam,
    case,
    func,
    literal_column,
    select,
    type_coerce,
)
from sqlalchemy.sql.dml import Insert

from swrhook.ledger.bulk_insert import insert_rows
from swrhook.ledger.sql import PreparedStatement, upsert_on
from swrhook.ledger.tables import observations as table
from swrhook.model import Target
from swrhook.syncs.observations import Place, TagObservation

# An observation that is so much later than a new one was dated by a clock that was wrong: no
# request takes that long.
_IMPOSSIBLE_DELAY = 3600 * 1_000_000  # microseconds


@dataclass(frozen=True, slots=True)
class KeptObservation:
    """The last observation of a place."""

    digest: str | None
    observed_at: datetime
    source: Target | None = None


def keep_observations(connection: Connection, new: Iterable[TagObservation]) -> None:
    """Keep observations, except those that are older than what is kept of their place.

    Call it at the end of a transaction: nothing else is locked after these rows.
    """
    # In the order of places, so that two transactions cannot deadlock.
    ordered = sorted({seen.place: seen for seen in new}.values(), key=lambda seen: seen.place)
    insert_rows(connection, _upsert(connection.dialect.name), [_row(seen) for seen in ordered])


@cache
def _upsert(database: str) -> Insert:
    statement = upsert_on(database, table)
    new = statement.excluded
    is_same = table.c.digest.is_not_distinct_from(new.digest)
    delay = literal_column(str(_IMPOSSIBLE_DELAY), BigInteger)  # insert_rows takes no parameters
    return statement.on_conflict_do_update(
        index_elements=[*table.primary_key.columns],
        set_={
            "digest": new.digest,
            "observed_at": new.observed_at,
            "since": case((is_same, table.c.since), else_=new.since),
            "sync": case((is_same, func.coalesce(new.sync, table.c.sync)), else_=new.sync),
            **{name: func.coalesce(new[name], table.c[name]) for name in _SOURCE},
        },
        where=(new.observed_at >= table.c.observed_at)
        | (type_coerce(table.c.observed_at, BigInteger) - delay > new.observed_at),
    )


def _row(seen: TagObservation) -> dict[str, object]:
    place = seen.place
    return {
        "region": place.region,
        "namespace": place.namespace,
        "repository": place.repository,
        "tag": place.tag,
        "digest": seen.digest,
        "observed_at": seen.observed_at,
        "since": seen.observed_at,
        "sync": seen.sync,
        "source_region": None if seen.source is None else seen.source.region,
        "source_namespace": None if seen.source is None else seen.source.namespace,
    }


def find_observations(
    connection: Connection, places: Collection[Place]
) -> dict[Place, KeptObservation]:
    """Return what is kept of these places: one statement for an image in several regions."""
    images: dict[tuple[str, str, str], dict[str, Place]] = {}
    for place in places:
        image = (place.namespace, place.repository, place.tag)
        images.setdefault(image, {})[place.region] = place
    kept = {}
    for (namespace, repository, tag), regions in images.items():
        for row in _FIND.rows(
            connection, regions=regions, namespace=namespace, repository=repository, tag=tag
        ):
            place = regions[row.pop("region")]
            source = row.pop("source_region"), row.pop("source_namespace")
            kept[place] = KeptObservation(**row, source=Target(*source) if source[0] else None)
    return kept


_SOURCE = ("source_region", "source_namespace")
_FIND = PreparedStatement(
    select(*(table.c[name] for name in ("region", "digest", "observed_at", *_SOURCE)))
    .where(table.c.region.in_(bindparam("regions", expanding=True)))
    .where(*(table.c[name] == bindparam(name) for name in ("namespace", "repository", "tag")))
)


def find_tags(connection: Connection, digest: str, namespace: str, repository: str) -> list[str]:
    """Return the tags of a repository that hold a digest in some region, the latest seen first."""
    rows = _FIND_TAGS.rows(connection, digest=digest, namespace=namespace, repository=repository)
    return list(dict.fromkeys(row["tag"] for row in rows))


# More tags of one image would not make it more likely that it is there.
_FIND_TAGS = PreparedStatement(
    select(table.c.tag)
    .where(table.c.digest == bindparam("digest"), table.c.namespace == bindparam("namespace"))
    .where(table.c.repository == bindparam("repository"))
    .order_by(table.c.observed_at.desc())
    .limit(20)
)
