"""Alibaba Cloud's Container Registry: triggers of repositories, and events by EventBridge.

Payload: https://www.alibabacloud.com/help/en/acr/user-guide/manage-webhooks and
https://www.alibabacloud.com/help/en/eventbridge/user-guide/container-registry-events, read August
2026. The fields of PushCompleted are those of the documented BuildCompleted; none was captured.
"""

from collections.abc import Mapping
from typing import Any

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery

PUSHED = "cr:Artifact:PushCompleted"


def parse(delivery: Delivery) -> Reading:
    """Read the tag that was pushed.

    Raises Undecodable, UnknownShape, or Ignored when no tag was pushed.
    """
    document = payload.decode(delivery.body)
    if payload.at(document, "specversion") is not None:
        return payload.reading([_event(document)], payload.text(document, "id"))
    if not isinstance(payload.at(document, "push_data"), Mapping):
        raise UnknownShape("the body has neither `push_data` nor `specversion`")
    return payload.reading([_trigger(document)])


def _trigger(document: Any) -> Announcement | str:  # noqa: ANN401
    """Return what a repository's trigger announces, or why it announces nothing."""
    name = payload.text(document, "repository", "repo_full_name")
    if name is None:
        raise UnknownShape("the body has no `repository.repo_full_name`")
    tag = payload.tag(document, "push_data", "tag")
    if tag is None:
        return f"{payload.shown(name)}: a push without a tag"
    # `pushed_at` does not say in which zone it is.
    return Announcement(name, tag, digest=payload.digest(document, "push_data", "digest"))


def _event(document: Any) -> Announcement | str:  # noqa: ANN401
    """Return what an event of EventBridge announces, or why it announces nothing."""
    kind = payload.at(document, "type")
    if kind != PUSHED:
        raise Ignored(f"event type {payload.shown(kind)} is not {PUSHED}")
    namespace = payload.text(document, "data", "RepoNamespaceName")
    name = payload.text(document, "data", "RepoName")
    tag = payload.tag(document, "data", "Tag")
    if namespace is None or name is None or tag is None:
        raise UnknownShape("a push without `RepoNamespaceName`, `RepoName` or `Tag`")
    return Announcement(
        f"{namespace}/{name}",
        tag,
        event_id=payload.text(document, "id"),
        pushed_at=payload.moment(document, "time"),
    )
