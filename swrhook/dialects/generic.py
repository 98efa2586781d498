"""The generic dialect: a short JSON body that a CI job, a script or a person sends with curl.

The body is an object, or an array of objects and image strings. The first of these keys that an
object has names its images: `image` and `images`; `repository` (`repo`) with `namespace`
(`organization`); `name`; `ref`; `image.name`. `tag` and `tags` add to the tags in the images.
docker buildx's --metadata-file, bake's map of those, and the output of docker/metadata-action can
be sent unchanged. A missing tag is not replaced by `latest`. The registry's host is dropped.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from itertools import islice

from swrhook.errors import NothingUsable
from swrhook.model import Announcement, Reading
from swrhook.senders import payload
from swrhook.senders.delivery import Delivery
from swrhook.swr_names import REPOSITORY, is_digest, is_tag
from swrhook.wording.message import say, say_list

SUCCESS_STATUSES = frozenset({"success", "succeeded", "successful", "passed", "ok", "completed"})

# The first group with a value names the images. The order matters, because CI jobs also send a
# `name` or `ref` with another meaning.
NAMING_KEYS = (("image", "images"), ("repository", "repo"), ("name",), ("ref",), ("image.name",))
ID_KEYS = ("event_id", "id")
# The keys that an object in `images` inherits from the object around it.
INHERITED_KEYS = (("namespace", "organization"), ID_KEYS, ("timestamp",), ("status",))

MAX_NAME_LENGTH = 255
MAX_IMAGES = 50_000
MAX_REASONS = 20
REMEDY = say(
    'send {"image": "organization/repository:tag"}'
    ' or {"namespace": "organization", "repository": "repository", "tag": "tag"}'
)

_NAME = re.compile(REPOSITORY)
_SEPARATORS = re.compile(r"[\s,]+")


def parse(delivery: Delivery) -> Reading:
    """Read every image tag that the body names, and skip those that no registry allows.

    Raises Undecodable, Ignored for a status that is not a success, or NothingUsable with reasons.
    """
    document = payload.decode(delivery.body)
    headers = delivery.headers
    sent_id = payload.text(headers, "idempotency-key") or payload.text(headers, "webhook-id")
    parts = [(prefix, part, _failure_reason(part)) for prefix, part in _split_entries(document)]
    unsuccessful = [_at(prefix, failure) for prefix, _, failure in parts if failure]
    entries = [(prefix, part) for prefix, part, failure in parts if not failure]
    # Images times tags can be far more than the body is long, so only so many are built.
    read = (result for entry in entries for result in _read_entry(*entry, sent_id))
    results = list(islice(read, MAX_IMAGES + 1))
    if len(results) > MAX_IMAGES:
        raise NothingUsable(
            say("more than %(limit)s images: send several requests", limit=MAX_IMAGES)
        )
    reasons = [result for result in results if isinstance(result, str)]
    if len(reasons) == len(results) and (results or not unsuccessful):
        reasons = reasons or [say("an empty array: %(remedy)s", remedy=REMEDY)]
        raise NothingUsable(*payload.cap_reasons(reasons + unsuccessful, MAX_REASONS))
    reading = payload.to_reading([*results, *unsuccessful])
    return replace(reading, external_id=_event_id(document) or sent_id)


def _split_entries(document: payload.Json) -> Iterator[tuple[str, payload.Json]]:
    """Yield every part of the body that names images, with a prefix for reasons about it."""
    if isinstance(document, list):
        for number, item in enumerate(document, 1):
            yield from _split_images(say("item %(number)s: ", number=number), item)
    elif _is_bake(document):
        for target, metadata in document.items():
            if isinstance(metadata, Mapping):
                yield say("target %(target)s: ", target=payload.quote(target)), metadata
    else:
        yield from _split_images("", document)


def _is_bake(document: payload.Json) -> bool:
    """Return whether this is the metadata file of docker buildx bake: an object for each target."""
    return (
        isinstance(document, Mapping)
        and not _naming_keys(document)
        and any(payload.get(part, "image.name") is not None for part in document.values())
    )


def _split_images(prefix: str, item: payload.Json) -> Iterator[tuple[str, payload.Json]]:
    """Yield the item, and separately each object in its `images`."""
    objects = [image for image in payload.items(item, "images") if isinstance(image, Mapping)]
    if isinstance(item, str):
        yield prefix, {"image": item}
    elif not objects:
        yield prefix, item
    else:
        others = [image for image in item["images"] if not isinstance(image, Mapping)]
        if others or item.get("image") is not None:
            yield prefix, {**item, "images": others}
        for number, image in enumerate(objects, 1):
            missing = (keys for keys in INHERITED_KEYS if not any(key in image for key in keys))
            inherited = {key: item[key] for keys in missing for key in keys if key in item}
            place = say("object %(number)s of `images`: ", number=number)
            yield _at(prefix, place), {**inherited, **image}


def _at(prefix: str, reason: str) -> str:
    """Return a reason with the part of the body that it is about."""
    return say("%(prefix)s%(reason)s", prefix=prefix, reason=reason) if prefix else reason


def _failure_reason(entry: payload.Json) -> str | None:
    """Return the reason for ignoring the entry if its job did not succeed."""
    status = payload.get(entry, "status")
    if status is None or (payload.text(entry, "status") or "").strip().lower() in SUCCESS_STATUSES:
        return None
    return say(
        "status %(status)s is not a success (%(statuses)s)",
        status=payload.quote(status),
        statuses=", ".join(sorted(SUCCESS_STATUSES)),
    )


def _read_entry(
    prefix: str, entry: payload.Json, sent_id: str | None
) -> Iterator[Announcement | str]:
    """Yield the announcements of one entry, and a reason for each image that it cannot announce."""
    if not isinstance(entry, Mapping):
        reason = say(
            "this is %(type)s, which names no image: %(remedy)s",
            type=payload.type_name(entry),
            remedy=REMEDY,
        )
        yield _at(prefix, reason)
        return
    digest = payload.digest(entry, "digest") or payload.digest(entry, "containerimage.digest")
    event_id = _event_id(entry) or sent_id
    pushed_at = payload.timestamp(entry, "timestamp")
    for image in _find_images(entry):
        if isinstance(image, str):
            yield _at(prefix, image)
        elif fault := _check_tag(image) or _check_name(image):
            yield _at(prefix, fault)
        else:
            image_digest = image.digest if is_digest(image.digest) else digest
            yield Announcement(image.name, image.tag, image_digest, event_id, pushed_at)


def _find_images(entry: Mapping[str, payload.Json]) -> Iterator[payload.Reference | str]:
    """Yield each image with each of its tags, unchecked, and a reason for each non-string."""
    keys = _naming_keys(entry)
    tags, odd_tags = _collect_words(entry, "tag", "tags")
    names, odd_names = _collect_words(entry, *keys)
    yield from odd_tags + odd_names
    # The `tags` output of docker/metadata-action contains complete image references.
    references = [payload.parse_reference(word) for _, word in tags if "/" in word and ":" in word]
    bare_tags = [word for _, word in tags if "/" not in word or ":" not in word]
    yield from references
    if names:
        images = [_add_namespace(entry, key, payload.parse_reference(word)) for key, word in names]
        yield from _apply_tags(images, bare_tags, need_tag=not references)
    elif not (references or odd_names):
        empty = [key for key in keys if entry.get(key) is not None]
        faults = say_list(say("`%(key)s` is empty", key=key) for key in empty)
        yield say("%(fault)s: %(remedy)s", fault=faults or say("no image is named"), remedy=REMEDY)


def _apply_tags(
    images: list[payload.Reference], tags: list[str], *, need_tag: bool
) -> Iterator[payload.Reference]:
    """Yield each image with its own tag and with each of `tags`.

    With `need_tag`, yield an image without any tag as it is, so that a reason tells the caller.
    """
    for image in images:
        if image.tag or (need_tag and not tags):
            yield image
        for tag in tags:
            yield replace(image, tag=tag)


def _collect_words(
    entry: Mapping[str, payload.Json], *keys: str
) -> tuple[list[tuple[str, str]], list[str]]:
    """Return the words in the strings and lists of strings at `keys`, and reasons for the rest."""
    words: list[tuple[str, str]] = []
    odd: list[str] = []
    for key in keys:
        value = entry.get(key)
        for item in value if isinstance(value, list) else [value]:
            if isinstance(item, str):
                words += [(key, word) for word in _SEPARATORS.split(item) if word]
            elif item is not None:
                odd.append(
                    say(
                        "`%(key)s` holds %(type)s: write it as a string in quotes",
                        key=key,
                        type=payload.type_name(item),
                    )
                )
    return words, odd


def _naming_keys(entry: Mapping[str, payload.Json]) -> tuple[str, ...]:
    """Return the keys that name the entry's images."""
    has = (keys for keys in NAMING_KEYS if any(entry.get(key) is not None for key in keys))
    return next(has, ())


def _add_namespace(
    entry: Mapping[str, payload.Json], key: str, image: payload.Reference
) -> payload.Reference:
    """Add the entry's namespace to a `repository` without a host, and to a one-part name."""
    namespace = payload.text(entry, "namespace") or payload.text(entry, "organization")
    if namespace and ("/" not in image.name or (key in NAMING_KEYS[1] and not image.host)):
        return replace(image, name=f"{namespace}/{image.name}")
    return image


def _check_tag(image: payload.Reference) -> str | None:
    """Return what is wrong with the tag and how to correct it, None if it is valid."""
    if is_tag(image.tag):
        return None
    name, tag = payload.quote(image.name), payload.quote(image.tag)
    if not image.tag:
        return say(
            "%(name)s has no tag, and none is assumed: send the image as name:tag, or a `tag`",
            name=name,
        )
    if ":" in image.tag:
        return say(
            "%(name)s: %(tag)s is not a tag: write a digest after an @, or in `digest`",
            name=name,
            tag=tag,
        )
    return say(
        "%(name)s: %(tag)s is not a tag: 1 to 128 letters, digits, _ . - (no . or - first)",
        name=name,
        tag=tag,
    )


def _check_name(image: payload.Reference) -> str | None:
    """Return what is wrong with the name and how to correct it, None if it is valid."""
    name, lower = image.name[: MAX_NAME_LENGTH + 1], image.name[: MAX_NAME_LENGTH + 1].lower()
    if len(name) > MAX_NAME_LENGTH or not _NAME.fullmatch(lower):
        return say(
            "%(name)s is not a repository name: at most %(limit)s lower-case letters"
            " and digits, with one . or _ or / or some - between them",
            name=payload.quote(name),
            limit=MAX_NAME_LENGTH,
        )
    if name != lower:
        return say(
            "%(name)s is not a repository name: write it in lower case", name=payload.quote(name)
        )
    return None


def _event_id(entry: payload.Json) -> str | None:
    """Return the sender's id of the event; CI systems send numbers, too."""
    return next(filter(None, (payload.label(entry, key) for key in ID_KEYS)), None)
