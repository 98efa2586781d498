"""What SWR answered to the first calls of sync_images: no public source tells."""

from collections.abc import Collection, Mapping
from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Connection, func, insert, select

from swrhook.ledger.rows import field_columns, group
from swrhook.ledger.service_tables import first_answers
from swrhook.ledger.types import new_id
from swrhook.model import Lane

# Of each source region.
MOST_KEPT = 20


@dataclass(frozen=True, slots=True)
class FirstAnswer:
    """The answer to a call: its status, some of its headers, and the shape of its body."""

    at: datetime
    status: int
    headers: Mapping[str, str]
    body_shape: str


def keep_answer(connection: Connection, lane: Lane, answer: FirstAnswer) -> bool:
    """Keep the answer to a call of a lane; False when the source region has enough of them."""
    of_region = first_answers.c.source_region == lane.source_region
    kept = connection.scalar(select(func.count()).select_from(first_answers).where(of_region)) or 0
    if kept < MOST_KEPT:
        row = {"id": new_id(), "source_region": lane.source_region, "lane": lane.key}
        connection.execute(insert(first_answers).values(**row, **asdict(answer)))
    return kept + 1 < MOST_KEPT


def answers_by_lane(
    connection: Connection, lanes: Collection[str]
) -> Mapping[str, list[FirstAnswer]]:
    """Return the answers that were kept, by the key of their lane."""
    columns = field_columns(first_answers, FirstAnswer)
    query = select(first_answers.c.lane, *columns).where(first_answers.c.lane.in_(lanes))
    return group((lane, FirstAnswer(*row)) for lane, *row in connection.execute(query))
