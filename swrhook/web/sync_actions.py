"""Retry or cancel one sync, for the API's routes and the dashboard's buttons."""

from werkzeug.exceptions import NotFound

from swrhook.ledger.queries.syncs import find_sync
from swrhook.ledger.queries.views import ListedSync
from swrhook.usecases.manual_syncs import replan
from swrhook.web.context import WebContext

_UNKNOWN = "there is no sync with this id"


def show_sync(web: WebContext, sync_id: str) -> ListedSync:
    """Return a sync. Raises NotFound."""
    with web.database.read() as connection:
        sync = find_sync(connection, sync_id)
    if sync is None:
        raise NotFound(_UNKNOWN)
    return sync


def retry_sync(web: WebContext, sync_id: str) -> ListedSync:
    """Restart a sync that has ended, with the current rules' override; return it.

    Raises NotFound, and StateForbids if the sync is open or verified.
    """
    config = web.config.current()
    is_known = web.operator.retry(
        sync_id, lambda sync: replan(sync, config), config.version, web.clock.now()
    )
    if not is_known:
        raise NotFound(_UNKNOWN)
    return show_sync(web, sync_id)


def cancel_sync(web: WebContext, sync_id: str) -> ListedSync:
    """Cancel a sync that is not verified; return it. Raises NotFound, StateForbids."""
    if not web.operator.cancel(sync_id, web.clock.now()):
        raise NotFound(_UNKNOWN)
    return show_sync(web, sync_id)
