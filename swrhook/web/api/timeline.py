"""/api/v1/syncs/<sync_id>/timeline: what happened to a sync, step by step."""

from collections.abc import Sequence
from dataclasses import dataclass

from swrhook.ledger.queries.sync_timeline import read_timeline
from swrhook.ledger.queries.views import ListedSync
from swrhook.web.access import is_visible
from swrhook.web.api.routing import Routes
from swrhook.web.api.schema_base import schema_of
from swrhook.web.api.schemas import SyncSchema
from swrhook.web.context import WebContext
from swrhook.web.dashboard.timeline import Step, steps
from swrhook.web.problems import require


@dataclass(frozen=True, slots=True)
class ListedTimeline:
    """A sync, its steps with the present and the next one last, and the tag's other syncs."""

    sync: ListedSync
    steps: Sequence[Step]
    others: Sequence[ListedSync]


TimelineSchema = schema_of(
    ListedTimeline, "Timeline", sync=SyncSchema, steps=schema_of(Step), others=SyncSchema
)


def add_timeline_routes(routes: Routes, web: WebContext) -> None:
    """Add the route."""

    @routes.get("/syncs/<sync_id>/timeline", TimelineSchema)
    def show(sync_id: str) -> ListedTimeline:
        """Show one sync, what happened to it, and the tag's newest sync to each other target."""
        timeline = web.read(read_timeline, sync_id)
        is_known = timeline is not None and is_visible(timeline.sync.namespace)
        timeline = require(timeline if is_known else None, "there is no sync with this id")
        return ListedTimeline(timeline.sync, steps(timeline), timeline.others)
