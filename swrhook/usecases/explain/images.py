"""Resolve the image to explain to a push by each sender that could announce it."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from swrhook.errors import NothingUsable
from swrhook.model import Announcement, Push
from swrhook.senders.sender import ImageSettings, Origin, to_pushes
from swrhook.wording.message import say


def to_push(text: str, sender: Origin) -> Push:
    """Return the push of `namespace/repository:tag`, as in SWR or as the sender names it.

    Raises NothingUsable if SWR cannot hold such a tag.
    """
    name, colon, tag = text.rpartition(":")
    if not colon or not tag or "/" in tag:
        raise NothingUsable(say('"%(text)s" has no tag: write namespace/repository:tag', text=text))
    image = sender.image if _is_sender_name(name, sender.image) else ImageSettings()
    origin = Origin(sender.name, sender.region, image)
    pushes, refused = to_pushes(origin, [Announcement(name, tag)])
    if refused:
        raise NothingUsable(*refused)
    return pushes[0]


def to_sender_pushes(text: str, senders: Iterable[Origin]) -> tuple[Push, Sequence[Push]]:
    """Return the push of an image under SWR's name, and one by each sender that could announce it.

    Raises NothingUsable if SWR cannot hold such a tag.
    """
    push = to_push(text, Origin("", ""))
    return push, [
        replace(push, sender=sender.name, region=sender.region)
        for sender in senders
        if sender.image.namespace in ("", push.namespace) and sender.may_push_to(push.namespace)
    ]


def _is_sender_name(name: str, image: ImageSettings) -> bool:
    """Return whether the name is one that the sender uses, rather than one in SWR."""
    if image.strip_prefix:
        return name.startswith(image.strip_prefix)
    return not (image.namespace and name.startswith(f"{image.namespace}/"))
