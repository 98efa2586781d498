"""The syncs that somebody waits for: the latest of an image at each target, and its heirs."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import Connection, func, or_, select

from swrhook.ledger.listed import ImageFilter, ListedSync
from swrhook.ledger.listing import find_syncs
from swrhook.ledger.tables import pushes, syncs
from swrhook.ledger.walking import Condition, window

# So many syncs of one tag are looked through, the newest ones: a wait looks often.
_MOST_LOOKED_THROUGH = 1000


@dataclass(frozen=True, slots=True)
class Awaited:
    """Which syncs of an image; None leaves that open. `delivery` may be a duplicate's id."""

    image: ImageFilter
    region: str | None = None
    digest: str | None = None
    delivery: str | None = None
    since: datetime | None = None


def find_awaited(connection: Connection, awaited: Awaited) -> list[ListedSync]:
    """Return the latest sync for each target that matches, followed to the one that carries on.

    A sync whose digest nobody has told yet matches every digest.
    """
    query = (
        select(syncs.c.id, syncs.c.target_region, syncs.c.target_namespace)
        .where(*_of_image(awaited.image), *_conditions(awaited))
        .order_by(syncs.c.id.desc())
        .limit(_MOST_LOOKED_THROUGH)
    )
    latest: dict[tuple[str, str], str] = {}
    for row in connection.execute(query):
        latest.setdefault((row.target_region, row.target_namespace), row.id)
    return find_syncs(connection, _heirs(connection, list(latest.values())))


def _of_image(image: ImageFilter) -> list[Condition]:
    return [
        syncs.c.namespace == image.namespace,
        syncs.c.repository == image.repository,
        syncs.c.tag == image.tag,
    ]


def _conditions(awaited: Awaited) -> list[Condition]:
    found = window(syncs, syncs.c.created_at, awaited.since, None)
    if awaited.region is not None:
        found.append(func.coalesce(syncs.c.target_region, "") == awaited.region)
    if awaited.digest is not None:
        known = func.coalesce(syncs.c.called_digest, syncs.c.digest)
        found.append(
            or_(
                known.is_(None),
                syncs.c.digest == awaited.digest,
                syncs.c.called_digest == awaited.digest,
            )
        )
    if awaited.delivery is not None:
        announced = func.coalesce(pushes.c.original, pushes.c.id)
        of_delivery = select(announced).where(pushes.c.delivery == awaited.delivery)
        found.append(syncs.c.push.in_(of_delivery))
    return found


def _heirs(connection: Connection, ids: Sequence[str]) -> Sequence[str]:
    """Return for each sync the last that carries on for it; itself, where none does or is kept."""
    if not ids:
        return []
    first = select(syncs.c.id, syncs.c.superseded_by).where(syncs.c.id.in_(ids))
    chain = first.cte("chain", recursive=True)
    following = select(syncs.c.id, syncs.c.superseded_by)
    chain = chain.union(following.join(chain, syncs.c.id == chain.c.superseded_by))
    kept = select(syncs.c.id).where(syncs.c.id == chain.c.superseded_by).exists()
    return connection.scalars(select(chain.c.id).where(~kept).distinct()).all()
