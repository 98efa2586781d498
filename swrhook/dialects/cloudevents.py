"""CloudEvents of any sender whose data name an image, in all three modes.

Format: https://github.com/cloudevents/spec/blob/main/cloudevents/bindings/http-protocol-binding.md,
read September 2026. What the data may be called is what Argo CD Image Updater understands
(`repository`, `repositoryName`, `imageTag`, …), and `image`, `images`, `tags`.
"""

import re
from collections.abc import Iterator, Sequence
from typing import Any

from swrhook.errors import Ignored, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery

MOST_IMAGES = 10_000

# Types that name an image and push none; whatever else names one is taken for a push.
_NO_PUSH = re.compile("delet|remov|untag|pull|scan|lint|fail|expir|quarantin", re.IGNORECASE)


def parse(delivery: Delivery) -> Reading:
    """Read the image in the data of every event.

    Raises Undecodable, UnknownShape, or Ignored when no event names an image that was pushed.
    """
    events = _events(delivery)
    read = [part for event in events for part in _read(event)]
    ids = (part.event_id for part in read if isinstance(part, Announcement))
    return payload.reading(read, external_id=next(ids, None))


def _events(delivery: Delivery) -> Sequence[payload.CloudEvent | None]:
    """Return the event, or those of a batch; None for what is not one."""
    document = payload.decode(delivery.body)
    event = payload.cloud_event(delivery.headers, document)
    if event is not None:
        return [event]
    if document == []:
        raise Ignored("the batch is empty")
    batch = [payload.cloud_event({}, part) for part in payload.items(document)]
    if not any(batch):
        raise UnknownShape("neither the headers nor the body are a CloudEvent's")
    return batch


def _read(event: payload.CloudEvent | None) -> Iterator[Announcement | str]:
    """Yield what one event announces, or why it announces nothing."""
    if event is None:
        yield "a part of the batch is not a CloudEvent"
        return
    kind = payload.shown(event.type)
    if _NO_PUSH.search(event.type):
        yield f"type {kind} is not a push"
        return
    digests = [*_texts(event.data, "digest", "imageDigest"), ""]
    found = False
    for image in _images(event):
        found = True
        tag = payload.tag(image.tag)
        if tag is None or not image.name:
            yield f"type {kind}: {payload.shown(image.name)} without a tag"
        else:
            digest = payload.digest(image.digest or digests[0])
            yield Announcement(image.name, tag, digest, event.id, event.at)
    if not found:
        yield f"type {kind} names no image: `data` has neither `image` nor `repository`"


def _images(event: payload.CloudEvent) -> Iterator[payload.Reference]:
    """Yield each image with each of its tags, unchecked."""
    subject = payload.reference(event.subject or "")
    names = (
        _texts(event.data, "image", "images")
        or _texts(event.data, "repository", "repositoryName")
        or ([event.subject] if event.subject and subject.tag else [])
    )
    tags = _texts(event.data, "tag", "imageTag", "tags")
    if len(names) * len(tags) > MOST_IMAGES:
        raise UnknownShape(f"an event names more than {MOST_IMAGES} images")
    for name in names:
        image = payload.reference(name)
        for tag in tags or [image.tag or subject.tag]:
            yield payload.Reference(image.host, image.name, tag, image.digest)


def _texts(data: Any, *keys: str) -> list[str]:  # noqa: ANN401
    """Return the texts at the keys and in the lists there."""
    values = (payload.at(data, key) for key in keys)
    listed = (item for value in values for item in (value if isinstance(value, list) else [value]))
    return [text for text in map(payload.text, listed) if text is not None]
