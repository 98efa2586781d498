"""What the ledger keeps of a delivery, to read it again."""

from sqlalchemy import Connection, select

from swrhook.ledger.tables import deliveries, pushes
from swrhook.model import Kept, Outcome, Push

_KEPT = select(
    *(
        deliveries.c[name]
        for name in ("id", "source", "outcome", "original", "sender_id", "headers", "body")
    )
)
_PUSHES = select(
    *(
        pushes.c[name]
        for name in (
            "source",
            "region",
            "namespace",
            "repository",
            "tag",
            "digest",
            "event_id",
            "pushed_at",
        )
    )
)


def kept_delivery(connection: Connection, delivery_id: str) -> Kept | None:
    """Return what is kept of a delivery; None when there is none with this id."""
    row = connection.execute(_KEPT.where(deliveries.c.id == delivery_id)).mappings().one_or_none()
    if row is None:
        return None
    query = _PUSHES.where(pushes.c.delivery == delivery_id).order_by(pushes.c.id)
    announced = [Push(**push) for push in connection.execute(query).mappings()]
    return Kept(**{**row, "outcome": Outcome(row["outcome"])}, pushes=announced)
