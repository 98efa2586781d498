"""Requests for the tags of a repository, and the parsing of the responses. Pure functions.

Source: SWR API reference, "Querying Image Tags in an Image Repository" and "Querying Details About
an Image Tag" (2025-08-07). The latter operation, ShowRepoTag, is not in every region: the
international page names those that have it; the European reference and OTC's do not list it.
"""

import re
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from http import HTTPStatus

from swrhook.errors import Kind, SwrError, TagNotShown, Undecodable
from swrhook.senders.payload import Json, decode, digest, get, text
from swrhook.swr.error_codes import NO_OPERATION, is_absence
from swrhook.swr.protocol import PAGE_SIZE, checked_name, exists, read_list, repository_path
from swrhook.swr.response import (
    SwrResponse,
    decode_json,
    malformed_response,
    read_code,
    read_error,
)
from swrhook.swr_names import is_tag
from swrhook.wording.message import say

# The code of the error of a tag that SWR shows without its digest.
NO_DIGEST = "no_digest"

_ABSENT = (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED)
_SINGLE_IMAGE = 0  # the tag_type
_CONTENT_RANGE = re.compile(r"[0-9]+-[0-9]+/([0-9]{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class TagPage:
    """One page of a repository's tags: digests by tag, how many it lists, and of how many.

    A digest is None when SWR lists the tag without one. `count` includes elements that are not
    readable as tags. `total` is None when SWR does not report it. `images` holds those of each
    multi-arch tag, as `platform digest`, if they were requested and the list shows them.
    """

    digests: Mapping[str, str | None]
    count: int
    total: int | None
    images: Mapping[str, frozenset[str]] = field(default_factory=dict)


def tag_path(namespace: str, repository: str, tag: str) -> str:
    """Return the path of one tag. Raises SwrError for a name that SWR does not allow."""
    return f"{repository_path(namespace, repository)}/tags/{checked_name(tag, is_tag)}"


def tags_path(namespace: str, repository: str, offset: int) -> str:
    """Return the path of one page of a repository's tags, the most recently updated first."""
    order = "order_column=updated_at&order_type=desc"
    path = repository_path(namespace, repository)
    return f"{path}/tags?limit={PAGE_SIZE}&offset={offset}&{order}"


def read_digest(response: SwrResponse, tag: str) -> str | None:
    """Return the digest in a ShowRepoTag response; None when tag or repository does not exist.

    Raises TagNotShown for a 404 or 405 without a code of SWR's own for that, and for a tag without
    a digest.
    """
    if not response.ok:
        if is_absence(read_code(response)):
            return None
        error = read_error(response)
        if response.status in _ABSENT or error.code in NO_OPERATION:
            raise _tag_not_shown(error)
        raise error
    content = decode_json(response)
    # SWR spells the member `tag` for a single tag, and `Tag` in a list.
    if tag not in (text(content, "tag"), text(content, "Tag")):
        raise malformed_response(response, say("it is not about the tag %(tag)s", tag=tag))
    value = digest(content, "digest")
    if value is None:
        raise TagNotShown(
            Kind.CONFIGURATION, NO_DIGEST, f"SWR shows the tag {tag} without a digest"
        )
    return value


def read_tag_page(response: SwrResponse, *, with_images: bool = False) -> TagPage | None:
    """Return one page of tags; None when the repository does not exist."""
    if not exists(response):
        return None
    items = read_list(response)
    content_range = _CONTENT_RANGE.fullmatch(response.headers.get("content-range", "").strip())
    total = int(content_range[1]) if content_range else None
    named = {name: item for item in items if (name := text(item, "Tag"))}
    digests = {name: digest(item, "digest") for name, item in named.items()}
    images = {name: _read_images(item) for name, item in named.items()} if with_images else {}
    images = {name: shown for name, shown in images.items() if shown}
    return TagPage(digests, len(items), total, images)


def walk_pages(page_at: Callable[[int], TagPage | None]) -> Iterator[TagPage]:
    """Yield the pages of a repository, to the end; none when there is no repository.

    `page_at` returns the page that begins at an offset.
    """
    names: set[str] = set()
    offset = 0
    while True:
        page = page_at(offset)
        # The page after the last is empty; a server that does not page repeats its only page.
        if page is None or page.digests.keys() <= names:
            return
        names |= page.digests.keys()
        yield page
        offset += page.count
        if page.total is not None and offset >= page.total:
            return


def walk_tags(page_at: Callable[[int], TagPage | None]) -> Iterator[Mapping[str, str | None]]:
    """Yield all digests so far after each page, like `walk_pages`."""
    digests: dict[str, str | None] = {}
    for page in walk_pages(page_at):
        digests = {**page.digests, **digests}
        yield digests


def _tag_not_shown(error: SwrError) -> TagNotShown:
    lacks_operation = error.code in NO_OPERATION
    return TagNotShown(
        Kind.CONFIGURATION,
        error.code,
        error.message,
        remedy=error.remedy,
        lacks_operation=lacks_operation,
    )


def _read_images(item: Json) -> frozenset[str]:
    """Return the images of a multi-arch tag; empty for another kind, or where not shown."""
    if get(item, "tag_type") == _SINGLE_IMAGE:
        return frozenset()
    # Not `payload.text`: a manifest is longer than the texts that it allows.
    manifest = get(item, "manifest")
    try:
        manifests = get(decode(str(manifest).encode()), "manifests")
    except Undecodable:
        return frozenset()
    images = [_read_image(image) for image in manifests] if isinstance(manifests, list) else []
    return frozenset(filter(None, images))


def _read_image(item: Json) -> str | None:
    """Return one image of an index as `platform digest`, or None for an attestation."""
    value, system = digest(item, "digest"), text(item, "platform", "os")
    if value is None or system in (None, "unknown"):
        return None
    names = (text(item, "platform", name) for name in ("os", "architecture", "variant"))
    return f"{'/'.join(filter(None, names))} {value}"
