"""Sonatype Nexus Repository 3: its webhooks of a repository's components and assets.

Payload: https://help.sonatype.com/en/working-with-component-webhooks.html and
RepositoryComponentWebhook.java of sonatype/nexus-public, read August 2026. Some versions tell of
docker images by assets alone.
"""

import re
from typing import Any

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery

PUSHES = frozenset({"CREATED", "UPDATED"})  # UPDATED: a tag was overwritten
HOOK = "x-nexus-webhook-id"

_MANIFEST = re.compile(r"/?v2/(?P<name>.+)/manifests/(?P<tag>[^/]+)")


def parse(delivery: Delivery) -> Reading:
    """Read the tag that was created or overwritten.

    Raises Undecodable, UnknownShape, or Ignored when the event is no push of an image's tag.
    """
    document = payload.decode(delivery.body)
    action = payload.text(document, "action")
    hook = payload.text(delivery.headers, HOOK)
    if hook is not None and hook not in ("rm:repository:component", "rm:repository:asset"):
        raise Ignored(f"webhook {payload.shown(hook)} is not of a repository's components")
    if action is None:
        raise UnknownShape("the body has no `action`")
    if action not in PUSHES:
        raise Ignored(f"action {payload.shown(action)} is not a push")
    event_id = payload.text(delivery.headers, "x-nexus-webhook-delivery")
    name, tag = _image(document)
    if ":" in tag:
        raise Ignored(f"{payload.shown(name)}: a push without a tag")
    pushed_at = payload.moment(document, "timestamp")
    announced = Announcement(name, tag, event_id=event_id, pushed_at=pushed_at)
    return payload.reading([announced], event_id)


def _image(document: Any) -> tuple[str, str]:  # noqa: ANN401
    """Return the name and version of a docker image's component, or of its manifest's asset."""
    what = "component" if payload.at(document, "component") is not None else "asset"
    part = payload.at(document, what)
    form, name = payload.text(part, "format"), payload.text(part, "name")
    if form is None or name is None:
        raise UnknownShape("the body has no component or asset with `format` and `name`")
    if form != "docker":
        raise Ignored(f"format {payload.shown(form)} is not docker")
    if what == "asset":
        manifest = _MANIFEST.fullmatch(name)
        if manifest is None:
            raise Ignored(f"{payload.shown(name)}: an asset that is no manifest")
        return manifest["name"], manifest["tag"]
    version = payload.text(part, "version")
    if version is None:
        raise UnknownShape(f"{payload.shown(name)}: a component without a version")
    return name, version
