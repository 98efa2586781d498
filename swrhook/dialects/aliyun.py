"""Alibaba Cloud's Container Registry: repository triggers, and events from EventBridge.

Payload: https://www.alibabacloud.com/help/en/acr/user-guide/manage-webhooks and
https://www.alibabacloud.com/help/en/eventbridge/user-guide/container-registry-events, read August
2026. PushCompleted is undocumented: its fields are assumed to be those of BuildCompleted.
"""

from collections.abc import Mapping

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery
from swrhook.wording.message import say

PUSHED = "cr:Artifact:PushCompleted"


def parse(delivery: Delivery) -> Reading:
    """Read the tag that was pushed.

    Raises Undecodable, UnknownShape, or Ignored if no tag was pushed.
    """
    document = payload.decode(delivery.body)
    if payload.get(document, "specversion") is not None:
        return payload.to_reading([_read_event(document)])
    if not isinstance(payload.get(document, "push_data"), Mapping):
        raise UnknownShape(say("the body has neither `push_data` nor `specversion`"))
    return payload.to_reading([_read_trigger(document)])


def _read_trigger(document: payload.Json) -> Announcement | str:
    """Return the announcement, or the reason why there is none."""
    name = payload.require(document, "repository", "repo_full_name")
    push = document["push_data"]
    # `pushed_at` has no time zone, so the time of the push is unknown.
    return payload.announce(name, payload.tag(push, "tag"), payload.digest(push, "digest"))


def _read_event(document: payload.Json) -> Announcement:
    kind = payload.get(document, "type")
    if kind != PUSHED:
        raise Ignored(
            say("event type %(kind)s is not %(pushed)s", kind=payload.quote(kind), pushed=PUSHED)
        )
    data = payload.get(document, "data")
    namespace, name = payload.text(data, "RepoNamespaceName"), payload.text(data, "RepoName")
    tag = payload.tag(data, "Tag")
    if namespace is None or name is None or tag is None:
        raise UnknownShape(say("a push without `RepoNamespaceName`, `RepoName` or `Tag`"))
    event_id, pushed_at = payload.text(document, "id"), payload.timestamp(document, "time")
    return Announcement(f"{namespace}/{name}", tag, None, event_id, pushed_at)
