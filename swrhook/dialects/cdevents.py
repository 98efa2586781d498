"""CDEvents: the event for a published artifact, which names the image by its package URL.

Payload: https://cdevents.dev/docs/continuous-integration/#artifact-published, as a CloudEvent in
either mode, and https://github.com/package-url/purl-spec for `oci` and `docker`; read September
2026. The event's type ends with its schema's version.
"""

from urllib.parse import parse_qsl, unquote

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery
from swrhook.wording.message import say

PUBLISHED = "dev.cdevents.artifact.published."
IMAGES = frozenset({"oci", "docker"})


def parse(delivery: Delivery) -> Reading:
    """Read the image that was published.

    Raises Undecodable, UnknownShape, or Ignored if no tag of an image was published.
    """
    document = payload.decode(delivery.body)
    cloud_event = payload.parse_cloud_event(delivery.headers, document)
    event = document if cloud_event is None else cloud_event.data
    kind = payload.text(event, "context", "type")
    if kind is None:
        raise UnknownShape(say("the event has no `context.type`, which every CDEvent has"))
    if not kind.startswith(PUBLISHED):
        raise Ignored(
            say(
                "type %(kind)s is not %(published)s*", kind=payload.quote(kind), published=PUBLISHED
            )
        )
    purl = payload.text(event, "subject", "id")
    if purl is None:
        raise UnknownShape(say("the event of a published artifact has no `subject.id`"))
    return payload.to_reading([_read_purl(purl, event)])


def _read_purl(purl: str, event: payload.Json) -> Announcement | str:
    """Return the announcement, or the reason why there is none."""
    image = _parse_purl(purl)
    if image is None:
        return say(
            "%(purl)s is not the package URL of an image (pkg:oci/… pkg:docker/…)",
            purl=payload.quote(purl),
        )
    name, tag = payload.text(image.name), payload.tag(image.tag)
    if name is None or tag is None:
        return say(
            "%(purl)s has no tag: the sender has to add it, as in …?tag=v1",
            purl=payload.quote(purl),
        )
    event_id = payload.text(event, "context", "id")
    pushed_at = payload.timestamp(event, "context", "timestamp")
    return Announcement(name, tag, payload.digest(image.digest), event_id, pushed_at)


def _parse_purl(purl: str) -> payload.Reference | None:
    """Return the image in `pkg:oci/name@digest?repository_url=host/path/name&tag=tag`, or None."""
    rest, _, query = purl.partition("#")[0].partition("?")
    scheme, _, path = rest.partition(":")
    kind, _, package = path.lstrip("/").partition("/")
    if scheme.lower() != "pkg" or kind.lower() not in IMAGES:
        return None
    name, version = (unquote(part) for part in package.partition("@")[::2])
    qualifiers = dict(parse_qsl(query))
    image = payload.parse_reference(_join_repository(qualifiers.get("repository_url", ""), name))
    # In a `docker` package URL, the version may be the tag; in an `oci` one, it is the digest.
    tag = qualifiers.get("tag") or ("" if ":" in version else version)
    return payload.Reference(image.host, image.name, tag, version)


def _join_repository(url: str, name: str) -> str:
    """Return the repository URL with the name, which some senders leave out of it."""
    url = url.rstrip("/")
    if url.rpartition("/")[2].lower() == name.rpartition("/")[2].lower():
        return url
    return f"{url}/{name}" if url else name
