"""The image that is asked about, as each source that could announce it would."""

from collections.abc import Iterable, Sequence
from dataclasses import replace

from swrhook.errors import NothingUsable
from swrhook.model import Announcement, Push
from swrhook.senders.sender import ImageSettings, Naming, Origin, to_pushes


def push_of(text: str, source: Naming) -> Push:
    """Return the push of `namespace/repository:tag`, or of the image as the source names it.

    A name that begins as the source's settings make it is SWR's. Raises NothingUsable.
    """
    name, colon, tag = text.rpartition(":")
    if not colon or not tag or "/" in tag:
        raise NothingUsable((f"«{text}» names no tag: write namespace/repository:tag",))
    image = source.image if _is_senders(name, source.image) else ImageSettings()
    origin = Origin(source.name, source.region, image)
    pushes, refused = to_pushes(origin, [Announcement(name, tag)])
    if refused:
        raise NothingUsable(tuple(refused))
    return pushes[0]


def pushes_of(text: str, sources: Iterable[Naming]) -> tuple[Push, Sequence[Push]]:
    """Return the push of an image under SWR's name, and one for each source that could announce it.

    Raises NothingUsable.
    """
    push = push_of(text, Origin("", ""))
    return push, [
        replace(push, source=source.name, region=source.region)
        for source in sources
        if source.image.namespace in ("", push.namespace)
    ]


def _is_senders(name: str, image: ImageSettings) -> bool:
    if image.strip_prefix:
        return name.startswith(image.strip_prefix)
    return not (image.namespace and name.startswith(f"{image.namespace}/"))
