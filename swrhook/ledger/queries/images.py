"""Images by a part of their name."""

from sqlalchemy import Connection, select

from swrhook.ledger.queries.scope import in_scope
from swrhook.ledger.queries.views import ImageFilter
from swrhook.ledger.tables import lanes
from swrhook.rules.namespaces import Namespaces

# More matching repositories are left out: each is a walk of its own along the index of images.
MOST_REPOSITORIES = 20


def find_images(
    connection: Connection, text: str, scope: Namespaces | None = None
) -> list[ImageFilter]:
    """Return the repositories whose name contains `text`, sorted by name, at most 20.

    What follows a colon is the beginning of the tag. A whole name stands for that repository alone.
    `scope`: the organizations that the reader may see.
    There are far fewer lanes, which are read here, than syncs.
    """
    part, colon, tag = text.strip().lower().partition(":")
    name = lanes.c.namespace + "/" + lanes.c.repository
    columns = (lanes.c.namespace, lanes.c.repository)
    query = select(*columns).distinct().order_by(*columns).limit(MOST_REPOSITORIES)
    query = query.where(*in_scope(lanes.c.namespace, scope))
    rows = connection.execute(query.where(name == part)).all()
    rows = rows or connection.execute(query.where(name.contains(part, autoescape=True))).all()
    return [ImageFilter(*row, tag=None, tag_prefix=tag if colon else "") for row in rows]
