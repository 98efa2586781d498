"""Harbor's webhooks, in its default format and as structured CloudEvents.

Payload: https://goharbor.io/docs/main/working-with-projects/project-configuration/configure-webhooks/
and src/pkg/notifier/formats of goharbor/harbor, read August 2026. Harbor 1.x and Tencent TCR
call a push `pushImage`.
"""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery

PUSHES = frozenset({"PUSH_ARTIFACT", "pushImage", "harbor.artifact.pushed"})
REPLICATIONS = frozenset({"REPLICATION", "harbor.replication.status.changed"})

_NAMES_NO_TAGS = (
    "a replication that does not list its tags (`references`, in newer versions of Harbor):"
    " subscribe the webhook to «Artifact pushed» too; swrhook waits until the tag is in SWR"
)


@dataclass(frozen=True, slots=True)
class _Event:
    """What both formats have in common."""

    kind: str
    data: Any
    id: str | None
    at: datetime | None


def parse(delivery: Delivery) -> Reading:
    """Read the tags of every artifact pushed.

    Raises Undecodable, UnknownShape, or Ignored when the event is no push of a tag.
    """
    event = _event(payload.decode(delivery.body))
    if event.kind in REPLICATIONS:
        return _replicated(event)
    if event.kind not in PUSHES:
        raise Ignored(f"event type {payload.shown(event.kind)} is not a push")
    resources = payload.at(event.data, "resources")
    if not isinstance(resources, list):
        raise UnknownShape(f"a push whose `resources` is {payload.kind_of(resources)}")
    name = _repository(event.data)
    return payload.reading((_read(resource, name, event) for resource in resources), event.id)


def _event(document: Any) -> _Event:  # noqa: ANN401
    """Return the event in either format."""
    kind = payload.text(document, "type")
    if kind is not None and payload.text(document, "specversion") is not None:
        if not kind.startswith("harbor."):
            raise UnknownShape(f"CloudEvents type {payload.shown(kind)} is not one of Harbor's")
        return _Event(
            kind,
            payload.at(document, "data"),
            payload.text(document, "id"),
            payload.moment(document, "time"),
        )
    if kind is None or "event_data" not in document:
        raise UnknownShape("the body is neither `type` and `event_data` nor a CloudEvent")
    return _Event(
        kind, payload.at(document, "event_data"), None, payload.moment(document, "occur_at")
    )


def _replicated(event: _Event) -> Reading:
    """Read the tags that Harbor has copied elsewhere, where it lists them."""
    replication = payload.at(event.data, "replication")
    organization = payload.text(replication, "dest_resource", "namespace")
    parts: list[Announcement | str] = []
    for artifact in payload.items(replication, "successful_artifact"):
        # Free text behind the name: «alpine [1 item(s) in total]», older ones «alpine:3.20».
        name = (payload.text(artifact, "name_tag") or "").partition(" ")[0].partition(":")[0]
        tags = [tag for tag in payload.items(artifact, "references") if payload.tag({"": tag}, "")]
        if organization is None or not name or not tags:
            parts.append(_NAMES_NO_TAGS)
        parts += [
            Announcement(f"{organization}/{name}", tag, event_id=event.id, pushed_at=event.at)
            for tag in tags
            if organization is not None and name
        ]
    return payload.reading(parts or [_NAMES_NO_TAGS], event.id)


def _read(resource: Any, repository: str | None, event: _Event) -> Announcement | str:  # noqa: ANN401
    """Return what one resource announces, or why it announces nothing."""
    url = payload.reference(payload.text(resource, "resource_url") or "")
    name = repository or _path(url)
    if not name:
        return "a resource names no repository"
    tag = payload.text(resource, "tag") or url.tag
    if not tag or ":" in tag:
        # An artifact pushed by its digest has the digest in place of a tag.
        return f"{payload.shown(name)}: a push without a tag"
    return Announcement(
        name,
        tag,
        digest=payload.digest(resource, "digest"),
        event_id=event.id,
        pushed_at=event.at,
    )


def _repository(data: Any) -> str | None:  # noqa: ANN401
    """Return the name in the event's repository object."""
    full = payload.text(data, "repository", "repo_full_name")
    project = payload.text(data, "repository", "namespace")
    name = payload.text(data, "repository", "name")
    if full is None and project is not None and name is not None:
        return f"{project}/{name}"
    return full


def _path(url: payload.Reference) -> str:
    """Return the name in a resource_url: a host always stands first, be it a bare word."""
    return url.name if url.host else url.name.partition("/")[2]
