"""Docker Hub's webhooks: pushes to one repository, unsigned and without a digest.

Payload: https://docs.docker.com/docker-hub/repos/manage/webhooks/, read August 2026. The
undocumented `media_type` is the type of the image's config; it distinguishes Helm charts.
The `callback_url` is never called: whoever sends the request chooses it.
"""

from collections.abc import Mapping

from swrhook.errors import UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery

CHART = "application/vnd.cncf.helm.config.v1+json"


def parse(delivery: Delivery) -> Reading:
    """Read the tag that was pushed.

    Raises Undecodable, UnknownShape, or Ignored if no tag of an image was pushed.
    """
    document = payload.decode(delivery.body)
    for key in ("push_data", "repository"):
        if not isinstance(payload.get(document, key), Mapping):
            raise UnknownShape(f"the body has no `{key}`")
    return payload.to_reading([_read_push(document)])


def _read_push(document: payload.Json) -> Announcement | str:
    """Return the announcement, or the reason why there is none."""
    name = _repository_name(document)
    if name is None:
        return "a push names no repository"
    if payload.get(document, "push_data", "media_type") == CHART:
        return f"{payload.quote(name)}: a Helm chart is not an image"
    tag = payload.tag(document, "push_data", "tag")
    if tag is None:
        return f"{payload.quote(name)}: a push without a tag"
    return Announcement(name, tag, pushed_at=payload.timestamp(document, "push_data", "pushed_at"))


def _repository_name(document: payload.Json) -> str | None:
    """Return the repository's full name; an official image has no namespace."""
    namespace = payload.text(document, "repository", "namespace")
    name = payload.text(document, "repository", "name")
    joined = f"{namespace}/{name}" if namespace and name else name
    return payload.text(document, "repository", "repo_name") or joined
