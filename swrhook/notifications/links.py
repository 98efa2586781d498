"""The page of the dashboard that shows what a part of a notification tells."""

from collections.abc import Mapping
from urllib.parse import quote, urlencode

from swrhook.notifications.model import Part, Topic

_LISTS: Mapping[Topic, tuple[str, Mapping[str, str]]] = {
    Topic.FAILED: ("/syncs", {"show": "failing"}),
    Topic.LATE: ("/syncs", {"show": "open"}),
    Topic.RECOVERED: ("/syncs", {"show": "verified"}),
    Topic.REGION: ("/syncs", {"show": "open"}),
    Topic.SENDER: ("/deliveries", {}),
    Topic.QUARANTINED: ("/deliveries", {"outcome": "quarantined"}),
    Topic.CONFIGURATION: ("/", {}),
    Topic.AVAILABLE: ("/explain", {}),
    Topic.DRIFT: ("/repositories", {}),
    Topic.TEST: ("/notifications", {}),
}
# The facts that narrow a list, by their names in its query.
_QUERIES = {"target_region": "region", "sender": "sender", "image": "image"}


def path_of(part: Part) -> str:
    """Return path and query of the page: of the one sync or delivery, or of a list."""
    if part.count == 1 and part.items:
        item = part.items[0]
        for name, page in (("sync", "/syncs"), ("delivery", "/deliveries")):
            if item.get(name):
                return f"{page}/{quote(str(item[name]), safe='')}"
    path, query = _LISTS[part.topic]
    if part.topic is Topic.FAILED and part.facts.get("state"):
        query = {"show": part.facts["state"], "standing": "1"}
    facts = {name: part.facts[fact] for fact, name in _QUERIES.items() if part.facts.get(fact)}
    parameters = urlencode({**query, **facts})
    return f"{path}?{parameters}" if parameters else path
