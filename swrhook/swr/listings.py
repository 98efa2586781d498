"""Lists of organizations and repositories, a page at a time. Pure functions.

Source: SWR API reference, "Querying Organizations" and "Querying Image Repositories".
"""

from collections.abc import Sequence
from dataclasses import dataclass

from swrhook.senders.payload import Json, get, text, timestamp
from swrhook.swr.protocol import PAGE_SIZE, as_list, namespace_path, read_list
from swrhook.swr.response import SwrResponse, decode_json
from swrhook.swr_names import is_namespace, is_repository, is_tag
from swrhook.syncs.discovery import DiscoveredRepository

_MOST = 2**31 - 1  # what the ledger can hold
ORGANIZATIONS_PATH = "/v2/manage/namespaces"


@dataclass(frozen=True, slots=True)
class RepositoryPage:
    """One page of an organization's repositories, and how many it listed.

    `total` is how many all pages list, None where SWR does not show it.
    """

    repositories: Sequence[DiscoveredRepository]
    count: int
    total: int | None = None

    @property
    def names(self) -> Sequence[str]:
        """Return the names of the repositories."""
        return [repository.name for repository in self.repositories]

    @property
    def is_last(self) -> bool:
        """Tell whether no page follows."""
        return self.count < PAGE_SIZE


def repositories_path(namespace: str, offset: int, *, changed_first: bool = False) -> str:
    """Return the path of a page of an organization's repositories, sorted by name.

    With `changed_first`, the one that was last updated is the first.
    """
    namespace_path(namespace)  # refuses a name that SWR does not allow
    order = ("updated_time", "desc") if changed_first else ("name", "asc")
    page = f"limit={PAGE_SIZE}&offset={offset}&order_column={order[0]}&order_type={order[1]}"
    return f"/v2/manage/repos?namespace={namespace}&{page}"


def read_repository_page(response: SwrResponse, namespace: str) -> RepositoryPage:
    """Return one page of an organization's repositories."""
    items = read_list(response)
    # The filter in the query is not relied on: the names go into the paths of further requests.
    listed = [
        DiscoveredRepository(
            name, _read_tags(item), _number(item, "num_images"), timestamp(item, "updated_at")
        )
        for item in items
        if text(item, "namespace") == namespace
        and (name := text(item, "name"))
        and is_repository(name)
    ]
    totals = {_number(item, "total_range") for item in items}
    return RepositoryPage(listed, len(items), totals.pop() if len(totals) == 1 else None)


def read_organizations(response: SwrResponse) -> list[str]:
    """Return the names of the organizations that we can see."""
    content = decode_json(response)
    items = content.get("namespaces") if isinstance(content, dict) else None
    names = (text(item, "name") for item in as_list(response, items))
    return [name for name in names if name and is_namespace(name)]


def _read_tags(item: Json) -> list[str]:
    tags = get(item, "tags")
    names = tags if isinstance(tags, list) else []
    return [tag for tag in names if isinstance(tag, str) and is_tag(tag)]


def _number(item: Json, name: str) -> int | None:
    value = get(item, name)
    return value if isinstance(value, int) and 0 <= value <= _MOST else None
