"""CDEvents: an artifact was published, told by its package URL.

Payload: https://cdevents.dev/docs/continuous-integration/#artifact-published, over CloudEvents in
both modes, and https://github.com/package-url/purl-spec for `oci` and `docker`; read September
2026. The type ends with the version of the event's own schema.
"""

from typing import Any
from urllib.parse import parse_qsl, unquote

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery

PUBLISHED = "dev.cdevents.artifact.published."
IMAGES = frozenset({"oci", "docker"})


def parse(delivery: Delivery) -> Reading:
    """Read the image that was published.

    Raises Undecodable, UnknownShape, or Ignored when no tag of an image was published.
    """
    event = _event(delivery)
    kind = payload.text(event, "context", "type")
    if kind is None:
        raise UnknownShape("there is no `context` with a `type`, as a CDEvent has")
    if not kind.startswith(PUBLISHED):
        raise Ignored(f"type {payload.shown(kind)} is not an artifact published")
    purl = payload.text(event, "subject", "id")
    if purl is None:
        raise UnknownShape("an artifact was published, but `subject` has no `id`")
    return payload.reading([_read(purl, event)], payload.text(event, "context", "id"))


def _event(delivery: Delivery) -> Any:  # noqa: ANN401
    """Return the CDEvent, which comes alone or as a CloudEvent's data."""
    document = payload.decode(delivery.body)
    cloud_event = payload.cloud_event(delivery.headers, document)
    return document if cloud_event is None else cloud_event.data


def _read(purl: str, event: Any) -> Announcement | str:  # noqa: ANN401
    """Return what the package URL announces, or why it announces nothing."""
    image = _image(purl)
    if image is None:
        return f"{payload.shown(purl)} is not an image's package URL (pkg:oci/… or pkg:docker/…)"
    name, tag = payload.text(image.name), payload.tag(image.tag)
    if name is None or tag is None:
        return f"{payload.shown(purl)} names no tag: the sender has to add it, as …?tag=v1"
    return Announcement(
        name,
        tag,
        digest=payload.digest(image.digest),
        event_id=payload.text(event, "context", "id"),
        pushed_at=payload.moment(event, "context", "timestamp"),
    )


def _image(purl: str) -> payload.Reference | None:
    """Return the parts of `pkg:oci/name@digest?repository_url=host/path/name&tag=tag`."""
    rest, _, query = purl.partition("#")[0].partition("?")
    scheme, _, path = rest.partition(":")
    kind, _, package = path.lstrip("/").partition("/")
    if scheme.lower() != "pkg" or kind.lower() not in IMAGES:
        return None
    name, version = (unquote(part) for part in package.partition("@")[::2])
    qualifiers = dict(parse_qsl(query))
    where = payload.reference(_complete(qualifiers.get("repository_url", ""), name))
    # An image of `docker` may have its tag for a version; one of `oci` always has the digest.
    tag = qualifiers.get("tag") or ("" if ":" in version else version)
    return payload.Reference(where.host, where.name, tag, version)


def _complete(url: str, name: str) -> str:
    """Return the repository with its name, which some senders leave out of the URL."""
    url = url.rstrip("/")
    if url.rpartition("/")[2].lower() == name.rpartition("/")[2].lower():
        return url
    return f"{url}/{name}" if url else name
