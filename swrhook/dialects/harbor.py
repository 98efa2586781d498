"""Harbor's webhooks, in its default format or as structured CloudEvents.

Payload: https://goharbor.io/docs/main/working-with-projects/project-configuration/configure-webhooks/
and src/pkg/notifier/formats of goharbor/harbor, read August 2026. Harbor 1.x and Tencent TCR
call a push `pushImage`.
"""

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import harbor_format, payload
from swrhook.senders.delivery import Delivery
from swrhook.wording.message import say

PUSHES = frozenset({"PUSH_ARTIFACT", "pushImage", "harbor.artifact.pushed"})
REPLICATIONS = frozenset({"REPLICATION", "harbor.replication.status.changed"})

_NAMES_NO_TAGS = say(
    "a replication that does not list its tags (newer versions of Harbor do, in `references`):"
    ' subscribe the webhook to "Artifact pushed" too; swrhook waits until the tag is in SWR'
)


def parse(delivery: Delivery) -> Reading:
    """Read the tags of all artifacts that were pushed.

    Raises Undecodable, UnknownShape, or Ignored if the event is not the push of a tag.
    """
    event = _parse_event(payload.decode(delivery.body))
    if event.type in REPLICATIONS:
        return _read_replication(event)
    if event.type not in PUSHES:
        raise Ignored(say("event type %(kind)s is not a push", kind=payload.quote(event.type)))
    resources = payload.get(event.data, "resources")
    if not isinstance(resources, list):
        raise UnknownShape(
            say("a push whose `resources` is %(resources)s", resources=payload.type_name(resources))
        )
    name = harbor_format.repository_name(event.data)
    # Harbor sends one resource per tag, also when one push set several tags.
    return payload.to_reading(_read_resource(resource, name, event) for resource in resources)


def _parse_event(document: payload.Json) -> payload.CloudEvent:
    """Return the event; one in the default format has neither id nor subject."""
    event = payload.parse_cloud_event({}, document)
    if event is not None:
        if not event.type.startswith("harbor."):
            raise UnknownShape(
                say(
                    "CloudEvents type %(kind)s is not one of Harbor's",
                    kind=payload.quote(event.type),
                )
            )
        return event
    kind, at = payload.text(document, "type"), payload.timestamp(document, "occur_at")
    if kind is None or "event_data" not in document:
        raise UnknownShape(say("the body is neither `type` and `event_data` nor a CloudEvent"))
    return payload.CloudEvent(kind, None, at, None, document["event_data"])


def _read_replication(event: payload.CloudEvent) -> Reading:
    """Read the tags that Harbor has replicated to SWR, if it lists them."""
    replication = payload.get(event.data, "replication")
    organization = payload.text(replication, "dest_resource", "namespace")
    parts: list[Announcement | str] = []
    for artifact in payload.items(replication, "successful_artifact"):
        # `name_tag` is free text after the name: "alpine [1 item(s) in total]" or "alpine:3.20".
        name = (payload.text(artifact, "name_tag") or "").partition(" ")[0].partition(":")[0]
        tags = [tag for tag in payload.items(artifact, "references") if payload.tag(tag)]
        if organization is None or not name or not tags:
            parts.append(_NAMES_NO_TAGS)
            continue
        image = f"{organization}/{name}"
        parts += [Announcement(image, tag, None, event.id, event.at) for tag in tags]
    return payload.to_reading(parts or [_NAMES_NO_TAGS])


def _read_resource(
    resource: payload.Json, repository: str | None, event: payload.CloudEvent
) -> Announcement | str:
    """Return the announcement, or the reason why there is none."""
    url = payload.parse_reference(payload.text(resource, "resource_url") or "")
    # A resource_url always begins with a host, even a single word.
    name = repository or (url.name if url.host else url.name.partition("/")[2])
    if not name:
        return say("a resource names no repository")
    # An artifact that was pushed by digest has the digest instead of a tag.
    tag, digest = payload.text(resource, "tag") or url.tag, payload.digest(resource, "digest")
    return payload.announce(name, tag, digest, event.id, event.at)
