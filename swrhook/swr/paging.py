"""A repository's tags, page after page."""

from collections.abc import Callable, Iterator, Mapping

from swrhook.swr.protocol import TagPage


def walk_tags(page_at: Callable[[int], TagPage | None]) -> Iterator[Mapping[str, str]]:
    """Yield the digests known after each page, to the end; nothing for no such repository.

    `page_at` asks for the page that begins at an offset.
    """
    digests: dict[str, str] = {}
    offset = 0
    while True:
        page = page_at(offset)
        # The last page is empty; one that only repeats comes from a server that cannot page.
        if page is None or page.digests.keys() <= digests.keys():
            return
        digests = {**page.digests, **digests}
        yield digests
        offset += page.count
        if page.total is not None and offset >= page.total:
            return
