"""Harbor's webhooks, in its default format or as structured CloudEvents.

Payload: https://goharbor.io/docs/main/working-with-projects/project-configuration/configure-webhooks/
and src/pkg/notifier/formats of goharbor/harbor, read August 2026. Harbor 1.x and Tencent TCR
call a push `pushImage`.
"""

from dataclasses import dataclass
from datetime import datetime

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import harbor_format, payload
from swrhook.senders.delivery import Delivery

PUSHES = frozenset({"PUSH_ARTIFACT", "pushImage", "harbor.artifact.pushed"})
REPLICATIONS = frozenset({"REPLICATION", "harbor.replication.status.changed"})

_NAMES_NO_TAGS = (
    "a replication that does not list its tags (newer versions of Harbor do, in `references`):"
    ' subscribe the webhook to "Artifact pushed" too; swrhook waits until the tag is in SWR'
)


@dataclass(frozen=True, slots=True)
class _Event:
    """The parts of an event that both formats have."""

    kind: str
    data: payload.Json
    id: str | None
    at: datetime | None


def parse(delivery: Delivery) -> Reading:
    """Read the tags of all artifacts that were pushed.

    Raises Undecodable, UnknownShape, or Ignored if the event is not the push of a tag.
    """
    event = _parse_event(payload.decode(delivery.body))
    if event.kind in REPLICATIONS:
        return _read_replication(event)
    if event.kind not in PUSHES:
        raise Ignored(f"event type {payload.quote(event.kind)} is not a push")
    resources = payload.get(event.data, "resources")
    if not isinstance(resources, list):
        raise UnknownShape(f"a push whose `resources` is {payload.type_name(resources)}")
    name = harbor_format.repository_name(event.data)
    # Harbor sends one resource per tag, also when one push set several tags.
    return payload.to_reading(_read_resource(resource, name, event) for resource in resources)


def _parse_event(document: payload.Json) -> _Event:
    """Return the event from either format."""
    kind = payload.text(document, "type")
    if kind is not None and payload.text(document, "specversion") is not None:
        if not kind.startswith("harbor."):
            raise UnknownShape(f"CloudEvents type {payload.quote(kind)} is not one of Harbor's")
        return _Event(
            kind,
            payload.get(document, "data"),
            payload.text(document, "id"),
            payload.timestamp(document, "time"),
        )
    if kind is None or "event_data" not in document:
        raise UnknownShape("the body is neither `type` and `event_data` nor a CloudEvent")
    return _Event(
        kind, payload.get(document, "event_data"), None, payload.timestamp(document, "occur_at")
    )


def _read_replication(event: _Event) -> Reading:
    """Read the tags that Harbor has replicated to SWR, if it lists them."""
    replication = payload.get(event.data, "replication")
    organization = payload.text(replication, "dest_resource", "namespace")
    parts: list[Announcement | str] = []
    for artifact in payload.items(replication, "successful_artifact"):
        # `name_tag` is free text after the name: "alpine [1 item(s) in total]" or "alpine:3.20".
        name = (payload.text(artifact, "name_tag") or "").partition(" ")[0].partition(":")[0]
        tags = [tag for tag in payload.items(artifact, "references") if payload.tag({"": tag}, "")]
        if organization is None or not name or not tags:
            parts.append(_NAMES_NO_TAGS)
        parts += [
            Announcement(f"{organization}/{name}", tag, event_id=event.id, pushed_at=event.at)
            for tag in tags
            if organization is not None and name
        ]
    return payload.to_reading(parts or [_NAMES_NO_TAGS])


def _read_resource(
    resource: payload.Json, repository: str | None, event: _Event
) -> Announcement | str:
    """Return the announcement, or the reason why there is none."""
    url = payload.parse_reference(payload.text(resource, "resource_url") or "")
    name = repository or _name_in_url(url)
    if not name:
        return "a resource names no repository"
    tag = payload.text(resource, "tag") or url.tag
    if not tag or ":" in tag:
        # An artifact that was pushed by digest has the digest instead of a tag.
        return f"{payload.quote(name)}: a push without a tag"
    return Announcement(
        name,
        tag,
        digest=payload.digest(resource, "digest"),
        event_id=event.id,
        pushed_at=event.at,
    )


def _name_in_url(url: payload.Reference) -> str:
    """Return the name in a resource_url, which always begins with a host, even a single word."""
    return url.name if url.host else url.name.partition("/")[2]
