"""Sonatype Nexus Repository 3: webhooks for a repository's components and assets.

Payload: https://help.sonatype.com/en/working-with-component-webhooks.html and
RepositoryComponentWebhook.java of sonatype/nexus-public, read August 2026. Some versions report
docker images only as assets.
"""

import re

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery
from swrhook.wording.message import say

PUSHES = frozenset({"CREATED", "UPDATED"})  # UPDATED: a tag was overwritten
HOOK = "x-nexus-webhook-id"

_MANIFEST = re.compile(r"/?v2/(?P<name>.+)/manifests/(?P<tag>[^/]+)")


def parse(delivery: Delivery) -> Reading:
    """Read the tag that was created or overwritten.

    Raises Undecodable, UnknownShape, or Ignored if the event is not the push of an image's tag.
    """
    document = payload.decode(delivery.body)
    hook = payload.text(delivery.headers, HOOK)
    if hook is not None and hook not in ("rm:repository:component", "rm:repository:asset"):
        raise Ignored(
            say("webhook %(hook)s is not for a repository's components", hook=payload.quote(hook))
        )
    action = payload.require(document, "action")
    if action not in PUSHES:
        raise Ignored(say("action %(action)s is not a push", action=payload.quote(action)))
    event_id = payload.text(delivery.headers, "x-nexus-webhook-delivery")
    name, tag = _read_image(document)
    pushed_at = payload.timestamp(document, "timestamp")
    return payload.to_reading([payload.announce(name, tag, None, event_id, pushed_at)])


def _read_image(document: payload.Json) -> tuple[str, str]:
    """Return the name and tag in a docker image's component, or in the asset of its manifest."""
    key = "component" if payload.get(document, "component") is not None else "asset"
    part = payload.get(document, key)
    part_format, name = payload.text(part, "format"), payload.text(part, "name")
    if part_format is None or name is None:
        raise UnknownShape(say("the body has no component or asset with `format` and `name`"))
    if part_format != "docker":
        raise Ignored(say("format %(format)s is not docker", format=payload.quote(part_format)))
    if key == "asset":
        manifest = _MANIFEST.fullmatch(name)
        if manifest is None:
            raise Ignored(
                say("%(name)s: an asset that is not a manifest", name=payload.quote(name))
            )
        return manifest["name"], manifest["tag"]
    version = payload.text(part, "version")
    if version is None:
        raise UnknownShape(say("%(name)s: a component without a version", name=payload.quote(name)))
    return name, version
