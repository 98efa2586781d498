"""The generic dialect: what a CI job, a script or a person says with one curl.

The body is an object, or an array of objects and image strings. An object names its images by
the first of these that it has: `image` and `images`; `repository` (`repo`) with `namespace`
(`organization`); `name`; `ref`; `image.name`. `tag` and `tags` add to the tags in the images.
So docker buildx's --metadata-file, bake's map of those and the output of docker/metadata-action
can be sent as they are. No tag is assumed, and the registry's host is left out.
"""

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace
from itertools import islice
from typing import Any

from swrhook.errors import NothingUsable
from swrhook.model import Announcement, Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery
from swrhook.swr_names import REPOSITORY, is_digest, is_tag

SUCCESS = frozenset({"success", "succeeded", "successful", "passed", "ok", "completed"})

# The first group with a value names the images: CI jobs send a `name` or `ref` of their own too.
NAMING = (("image", "images"), ("repository", "repo"), ("name",), ("ref",), ("image.name",))
IDS = ("event_id", "id")
# What an object in `images` takes from the object around it.
INHERITED = (("namespace", "organization"), IDS, ("timestamp",), ("status",))

LONGEST_NAME = 255
MOST_IMAGES = 50_000
MOST_REASONS = 20
REMEDY = (
    'send {"image": "organization/repository:tag"}'
    ' or {"namespace": "organization", "repository": "repository", "tag": "tag"}'
)

_NAME = re.compile(REPOSITORY)
_SEPARATORS = re.compile(r"[\s,]+")


def parse(delivery: Delivery) -> Reading:
    """Read every image tag that the body names, and keep those that a registry can hold.

    Raises Undecodable, Ignored for a status that is not a success, or NothingUsable with reasons.
    """
    document = payload.decode(delivery.body)
    headers = delivery.headers
    sent_id = payload.text(headers, "idempotency-key") or payload.text(headers, "webhook-id")
    unsuccessful = []
    entries = []
    for where, entry in _entries(document):
        if failure := _failure(entry):
            unsuccessful.append(where + failure)
        else:
            entries.append((where, entry))
    read = list(islice(_read_all(entries, sent_id), MOST_IMAGES + 1))
    if len(read) > MOST_IMAGES:
        raise NothingUsable((f"more than {MOST_IMAGES} images: send several requests",))
    announces = any(isinstance(part, Announcement) for part in read)
    if not announces and (read or not unsuccessful):
        reasons = [part for part in read if isinstance(part, str)] or [f"an empty array: {REMEDY}"]
        raise NothingUsable(payload.capped(reasons + unsuccessful, MOST_REASONS))
    return payload.reading([*read, *unsuccessful], _event_id(document) or sent_id)


def _entries(document: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401
    """Yield every part of the body that names images, after where it stands."""
    if isinstance(document, list):
        for number, item in enumerate(document, 1):
            yield from _split(f"item {number}: ", item)
    elif _is_bake(document):
        for target, metadata in document.items():
            if isinstance(metadata, Mapping):
                yield f"target {payload.shown(target)}: ", metadata
    else:
        yield from _split("", document)


def _is_bake(document: Any) -> bool:  # noqa: ANN401
    """Tell whether this is the metadata file of docker buildx bake, an object for each target."""
    return (
        isinstance(document, Mapping)
        and not _naming(document)
        and any(payload.at(part, "image.name") is not None for part in document.values())
    )


def _split(where: str, item: Any) -> Iterator[tuple[str, Any]]:  # noqa: ANN401
    """Yield the item, and each object in its `images` by itself."""
    objects = [image for image in payload.items(item, "images") if isinstance(image, Mapping)]
    if isinstance(item, str):
        yield where, {"image": item}
    elif not objects:
        yield where, item
    else:
        others = [image for image in item["images"] if not isinstance(image, Mapping)]
        if others or item.get("image") is not None:
            yield where, {**item, "images": others}
        for number, image in enumerate(objects, 1):
            lacking = (keys for keys in INHERITED if not any(key in image for key in keys))
            taken = {key: item[key] for keys in lacking for key in keys if key in item}
            yield f"{where}object {number} of `images`: ", {**taken, **image}


def _failure(entry: Any) -> str | None:  # noqa: ANN401
    """Return why the entry is not for us: its job did not succeed."""
    status = payload.at(entry, "status")
    if status is None or (payload.text(entry, "status") or "").strip().lower() in SUCCESS:
        return None
    return f"status {payload.shown(status)} is not a success ({', '.join(sorted(SUCCESS))})"


def _read_all(
    entries: Iterable[tuple[str, Any]], sent_id: str | None
) -> Iterator[Announcement | str]:
    """Yield what the entries announce, and the reasons after where they apply."""
    for where, entry in entries:
        for part in _read(entry, sent_id):
            yield where + part if isinstance(part, str) else part


def _read(entry: Any, sent_id: str | None) -> Iterator[Announcement | str]:  # noqa: ANN401
    """Yield what one entry announces, and a reason for each image that it cannot announce."""
    if not isinstance(entry, Mapping):
        yield f"this is {payload.kind_of(entry)} and names no image: {REMEDY}"
        return
    digest = payload.digest(entry, "digest") or payload.digest(entry, "containerimage.digest")
    event_id = _event_id(entry) or sent_id
    pushed_at = payload.moment(entry, "timestamp")
    for image in _images(entry):
        if isinstance(image, str):
            yield image
        elif fault := _tag_fault(image) or _name_fault(image):
            yield fault
        else:
            own = image.digest if is_digest(image.digest) else digest
            yield Announcement(image.name, image.tag, own, event_id, pushed_at)


def _images(entry: Mapping[str, Any]) -> Iterator[payload.Reference | str]:
    """Yield each image with each of its tags, unchecked, and a reason for what is no text."""
    keys = _naming(entry)
    tags, odd_tags = _words(entry, "tag", "tags")
    names, odd_names = _words(entry, *keys)
    yield from odd_tags + odd_names
    # docker/metadata-action calls whole references tags.
    whole = [payload.reference(word) for _, word in tags if "/" in word and ":" in word]
    bare = [word for _, word in tags if "/" not in word or ":" not in word]
    yield from whole
    if names:
        named = [_in_namespace(entry, key, payload.reference(word)) for key, word in names]
        yield from _tagged(named, bare, may_lack=bool(whole))
    elif not (whole or odd_names):
        empty = [f"`{key}` is empty" for key in keys if entry.get(key) is not None]
        yield f"{' and '.join(empty) or 'no image is named'}: {REMEDY}"


def _tagged(
    named: list[payload.Reference], tags: list[str], *, may_lack: bool
) -> Iterator[payload.Reference]:
    """Yield each image with its own tag and the given ones; without any, once, if it may not."""
    for image in named:
        if image.tag or not (tags or may_lack):
            yield image
        for tag in tags:
            yield replace(image, tag=tag)


def _words(entry: Mapping[str, Any], *keys: str) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the words of the texts and lists of texts at `keys`, and a reason for all else."""
    words: list[tuple[str, str]] = []
    odd: list[str] = []
    for key in keys:
        value = entry.get(key)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str):
                words += [(key, word) for word in _SEPARATORS.split(item) if word]
            elif item is not None:
                odd.append(f"`{key}` holds {payload.kind_of(item)}: write it as a string in quotes")
    return words, odd


def _naming(entry: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the fields that name the entry's images."""
    has = (keys for keys in NAMING if any(entry.get(key) is not None for key in keys))
    return next(has, ())


def _in_namespace(
    entry: Mapping[str, Any], key: str, image: payload.Reference
) -> payload.Reference:
    """Complete a `repository` without a host, and any name of one component."""
    namespace = payload.text(entry, "namespace") or payload.text(entry, "organization")
    if namespace and ("/" not in image.name or (key in NAMING[1] and not image.host)):
        return replace(image, name=f"{namespace}/{image.name}")
    return image


def _tag_fault(image: payload.Reference) -> str | None:
    """Return what is wrong with the tag and how to put it right."""
    if is_tag(image.tag):
        return None
    name, tag = payload.shown(image.name), payload.shown(image.tag)
    if not image.tag:
        return f"{name} has no tag, and none is assumed: send the image as name:tag, or a `tag`"
    if ":" in image.tag:
        return f"{name}: {tag} is not a tag: a digest belongs behind an @, or into `digest`"
    return f"{name}: {tag} is not a tag: 1 to 128 letters, digits, _ . - (no . or - first)"


def _name_fault(image: payload.Reference) -> str | None:
    """Return what is wrong with the name and how to put it right."""
    name, lower = image.name[: LONGEST_NAME + 1], image.name[: LONGEST_NAME + 1].lower()
    if len(name) > LONGEST_NAME or not _NAME.fullmatch(lower):
        return (
            f"{payload.shown(name)} is not a repository's name: at most {LONGEST_NAME} lower-case"
            " letters and digits, with one . or _ or / or some - between them"
        )
    if name != lower:
        return f"{payload.shown(name)} is not a repository's name: write it in lower case"
    return None


def _event_id(entry: Any) -> str | None:  # noqa: ANN401
    """Return the sender's id of the event; CI systems count in numbers."""
    for key in IDS:
        value = payload.at(entry, key)
        if isinstance(value, int) and not isinstance(value, bool) and abs(value) < 1 << 63:
            return str(value)
        if found := payload.text(entry, key):
            return found
    return None
