"""Docker Hub's webhooks: pushes to one repository, unsigned and without a digest.

Payload: https://docs.docker.com/docker-hub/repos/manage/webhooks/, read August 2026. The
undocumented `media_type` is the type of the image's config; it distinguishes Helm charts.
The `callback_url` is never called: whoever sends the request chooses it.
"""

from collections.abc import Mapping

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery
from swrhook.wording.message import say

CHART = "application/vnd.cncf.helm.config.v1+json"


def parse(delivery: Delivery) -> Reading:
    """Read the tag that was pushed.

    Raises Undecodable, UnknownShape, or Ignored if no tag of an image was pushed.
    """
    document = payload.decode(delivery.body)
    for key in ("push_data", "repository"):
        if not isinstance(payload.get(document, key), Mapping):
            raise UnknownShape(say("the body has no `%(key)s`", key=key))
    push, name = document["push_data"], _repository_name(document["repository"])
    if name is None:
        raise Ignored(say("a push names no repository"))
    if payload.get(push, "media_type") == CHART:
        raise Ignored(say("%(name)s: a Helm chart is not an image", name=payload.quote(name)))
    pushed_at = payload.timestamp(push, "pushed_at")
    return payload.to_reading(
        [payload.announce(name, payload.tag(push, "tag"), pushed_at=pushed_at)]
    )


def _repository_name(repository: payload.Json) -> str | None:
    """Return the repository's full name; an official image has no namespace."""
    namespace, name = payload.text(repository, "namespace"), payload.text(repository, "name")
    joined = f"{namespace}/{name}" if namespace and name else name
    return payload.text(repository, "repo_name") or joined
