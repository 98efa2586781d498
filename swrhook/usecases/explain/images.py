"""The image that is asked about, as each sender that could announce it would."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from swrhook.errors import NothingUsable
from swrhook.model import Announcement, Push
from swrhook.senders.sender import ImageSettings, Naming, Origin, to_pushes


def push_of(text: str, sender: Naming) -> Push:
    """Return the push of `namespace/repository:tag`, or of the image as the sender names it.

    A name that begins as the sender's settings make it is SWR's. Raises NothingUsable.
    """
    name, colon, tag = text.rpartition(":")
    if not colon or not tag or "/" in tag:
        raise NothingUsable((f"«{text}» names no tag: write namespace/repository:tag",))
    image = sender.image if _is_senders(name, sender.image) else ImageSettings()
    origin = Origin(sender.name, sender.region, image)
    pushes, refused = to_pushes(origin, [Announcement(name, tag)])
    if refused:
        raise NothingUsable(tuple(refused))
    return pushes[0]


def pushes_of(text: str, senders: Iterable[Naming]) -> tuple[Push, Sequence[Push]]:
    """Return the push of an image under SWR's name, and one for each sender that could announce it.

    Raises NothingUsable.
    """
    push = push_of(text, Origin("", ""))
    return push, [
        replace(push, sender=sender.name, region=sender.region)
        for sender in senders
        if sender.image.namespace in ("", push.namespace)
    ]


def _is_senders(name: str, image: ImageSettings) -> bool:
    if image.strip_prefix:
        return name.startswith(image.strip_prefix)
    return not (image.namespace and name.startswith(f"{image.namespace}/"))
