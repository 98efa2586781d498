"""Lists of organizations and repositories, a page at a time. Pure functions.

Source: SWR API reference, "Querying Organizations" and "Querying Image Repositories".
"""

from collections.abc import Sequence
from dataclasses import dataclass

from swrhook.senders.payload import Json, text
from swrhook.swr.protocol import PAGE_SIZE, namespace_path
from swrhook.swr.response import SwrResponse, decode_json, malformed_response
from swrhook.swr_names import is_namespace, is_repository

ORGANIZATIONS_PATH = "/v2/manage/namespaces"


@dataclass(frozen=True, slots=True)
class RepositoryPage:
    """One page of an organization's repositories: their names, and how many it listed."""

    names: Sequence[str]
    count: int

    @property
    def is_last(self) -> bool:
        """Tell whether no page follows."""
        return self.count < PAGE_SIZE


def repositories_path(namespace: str, offset: int) -> str:
    """Return the path of a page of an organization's repositories, sorted by name."""
    namespace_path(namespace)  # refuses a name that SWR does not allow
    page = f"limit={PAGE_SIZE}&offset={offset}&order_column=name&order_type=asc"
    return f"/v2/manage/repos?namespace={namespace}&{page}"


def read_repository_page(response: SwrResponse, namespace: str) -> RepositoryPage:
    """Return one page of an organization's repositories."""
    items = _read_list(response, decode_json(response))
    # The filter in the query is not relied on: the names go into the paths of further requests.
    names = [
        name
        for item in items
        if text(item, "namespace") == namespace
        and (name := text(item, "name"))
        and is_repository(name)
    ]
    return RepositoryPage(names, len(items))


def read_organizations(response: SwrResponse) -> list[str]:
    """Return the names of the organizations that we can see."""
    content = decode_json(response)
    items = content.get("namespaces") if isinstance(content, dict) else None
    names = (text(item, "name") for item in _read_list(response, items))
    return [name for name in names if name and is_namespace(name)]


def _read_list(response: SwrResponse, content: Json) -> Sequence[Json]:
    if content is not None and not isinstance(content, list):
        raise malformed_response(response, "it is not a list")
    items: list[Json] = content or []
    return items
