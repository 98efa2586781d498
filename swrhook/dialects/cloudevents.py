"""CloudEvents from any sender, if their data names an image: structured, binary and batched.

Format: https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/http-protocol-binding.md,
read September 2026. The data may use the keys that Argo CD Image Updater understands (`repository`,
`repositoryName`, `imageTag` and so on), and `image`, `images`, `tags`.
"""

import re
from collections.abc import Iterator, Sequence

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery
from swrhook.wording.message import say

MAX_IMAGES = 10_000

# Event types that may name an image but are no push. Any other event with an image is a push.
_NO_PUSH = re.compile("delet|remov|untag|pull|scan|lint|fail|expir|quarantin", re.IGNORECASE)


def parse(delivery: Delivery) -> Reading:
    """Read the images in the data of every event.

    Raises Undecodable, UnknownShape, or Ignored if no event is the push of an image.
    """
    events = _parse_events(delivery)
    return payload.to_reading(result for event in events for result in _read_event(event))


def _parse_events(delivery: Delivery) -> Sequence[payload.CloudEvent | None]:
    """Return the event, or the events of a batch; None for each part that is not an event."""
    document = payload.decode(delivery.body)
    event = payload.parse_cloud_event(delivery.headers, document)
    if event is not None:
        return [event]
    if document == []:
        raise Ignored(say("the batch is empty"))
    batch = [payload.parse_cloud_event({}, part) for part in payload.items(document)]
    if not any(batch):
        raise UnknownShape(say("neither the headers nor the body contain a CloudEvent"))
    return batch


def _read_event(event: payload.CloudEvent | None) -> Iterator[Announcement | str]:
    """Yield the announcements of one event, and the reasons for images that it cannot announce."""
    if event is None:
        yield say("an item of the batch is not a CloudEvent")
        return
    kind = payload.quote(event.type)
    if _NO_PUSH.search(event.type):
        yield say("type %(kind)s is not a push", kind=kind)
        return
    images = list(_find_images(event))
    if not images:
        yield say(
            "type %(kind)s names no image: `data` has neither `image` nor `repository`", kind=kind
        )
    digests = [*_collect_texts(event.data, "digest", "imageDigest"), ""]
    for image in images:
        tag = payload.tag(image.tag)
        if tag is None or not image.name:
            yield say(
                "type %(kind)s: %(name)s without a tag", kind=kind, name=payload.quote(image.name)
            )
        else:
            digest = payload.digest(image.digest or digests[0])
            yield Announcement(image.name, tag, digest, event.id, event.at)


def _find_images(event: payload.CloudEvent) -> Iterator[payload.Reference]:
    """Yield each image with each of its tags, without checking them."""
    subject = payload.parse_reference(event.subject or "")
    names = (
        _collect_texts(event.data, "image", "images")
        or _collect_texts(event.data, "repository", "repositoryName")
        or ([event.subject] if event.subject and subject.tag else [])
    )
    tags = _collect_texts(event.data, "tag", "imageTag", "tags")
    if len(names) * len(tags) > MAX_IMAGES:
        raise UnknownShape(say("an event names more than %(limit)s images", limit=MAX_IMAGES))
    for name in names:
        image = payload.parse_reference(name)
        for tag in tags or [image.tag or subject.tag]:
            yield payload.Reference(image.host, image.name, tag, image.digest)


def _collect_texts(data: payload.Json, *keys: str) -> list[str]:
    """Return the strings at the keys, and those in lists at the keys."""
    values = (payload.get(data, key) for key in keys)
    items = (item for value in values for item in (value if isinstance(value, list) else [value]))
    return [text for text in map(payload.text, items) if text is not None]
