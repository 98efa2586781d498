"""Docker Hub's webhooks: one for each repository, about pushes only, unsigned and without a digest.

Payload: https://docs.docker.com/docker-hub/repos/manage/webhooks/, read August 2026. The
`media_type` is undocumented: it is the type of the image's config, and tells charts from images.
The `callback_url` is the sender's to choose and is never called.
"""

from collections.abc import Mapping
from typing import Any

from swrhook.errors import UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery

CHART = "application/vnd.cncf.helm.config.v1+json"


def parse(delivery: Delivery) -> Reading:
    """Read the tag that was pushed.

    Raises Undecodable, UnknownShape, or Ignored when no tag of an image was pushed.
    """
    document = payload.decode(delivery.body)
    for key in ("push_data", "repository"):
        if not isinstance(payload.at(document, key), Mapping):
            raise UnknownShape(f"the body has no `{key}`")
    return payload.reading([_read(document)])


def _read(document: Any) -> Announcement | str:  # noqa: ANN401
    """Return what the push announces, or why it announces nothing."""
    name = _name(document)
    if name is None:
        return "a push names no repository"
    if payload.at(document, "push_data", "media_type") == CHART:
        return f"{payload.shown(name)}: a Helm chart is no image"
    tag = payload.tag(document, "push_data", "tag")
    if tag is None:
        return f"{payload.shown(name)}: a push without a tag"
    return Announcement(name, tag, pushed_at=payload.moment(document, "push_data", "pushed_at"))


def _name(document: Any) -> str | None:  # noqa: ANN401
    """Return the repository's whole name; an official image has no namespace."""
    namespace = payload.text(document, "repository", "namespace")
    name = payload.text(document, "repository", "name")
    joined = f"{namespace}/{name}" if namespace and name else name
    return payload.text(document, "repository", "repo_name") or joined
