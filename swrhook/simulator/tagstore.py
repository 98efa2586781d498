"""Where a region's tags are: the protocol, and the implementation that keeps them in memory."""

import hashlib
import itertools
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from threading import RLock
from typing import Any, Literal, Protocol, TypeAlias

from swrhook.simulator.model import Content, Tag

Order: TypeAlias = Literal["updated_at", "tag"]
_ORDERS: Mapping[Order, Callable[[Tag], Any]] = {
    "updated_at": lambda tag: (tag.updated, tag.id),
    "tag": lambda tag: tag.name,
}


@dataclass(frozen=True, slots=True)
class Page:
    """The part of a listing of tags that is asked for."""

    offset: int = 0
    limit: int = 100
    tag: str = ""
    order: Order = "updated_at"
    descending: bool = True


@dataclass(frozen=True, slots=True)
class Listing:
    """A page of tags, and how many there are over all pages."""

    tags: Sequence[Tag]
    total: int


class TagStore(Protocol):
    """A region's organizations, repositories and tags, to be read."""

    def organizations(self) -> Sequence[str]:
        """List the organizations, sorted by name."""

    def has_organization(self, namespace: str) -> bool:
        """Tell whether the organization exists."""

    def repositories(self) -> Sequence[tuple[str, str]]:
        """List the repositories as pairs of organization and name, sorted."""

    def has_repository(self, namespace: str, repository: str) -> bool:
        """Tell whether the repository exists, be it empty."""

    def page(self, namespace: str, repository: str, page: Page) -> Listing:
        """List tags of a repository; there are none of a repository that does not exist."""

    def tag(self, namespace: str, repository: str, name: str) -> Tag | None:
        """Find a tag."""


class StoredTags:
    """Tags kept in memory, under a lock that is shared with whoever must see several as one."""

    def __init__(self, region: str, lock: RLock) -> None:
        self._region = region
        self._lock = lock
        self._ids = itertools.count(1)
        self._organizations: set[str] = set()
        self._repositories: dict[tuple[str, str], dict[str, Tag]] = {}
        # Listings are asked for page after page, and far more often than tags change.
        self._sorted: dict[tuple[str, str, str], Sequence[Tag]] = {}

    def organizations(self) -> Sequence[str]:
        """List the organizations, sorted by name."""
        with self._lock:
            return sorted(self._organizations)

    def has_organization(self, namespace: str) -> bool:
        """Tell whether the organization exists."""
        return namespace in self._organizations

    def repositories(self) -> Sequence[tuple[str, str]]:
        """List the repositories as pairs of organization and name, sorted."""
        with self._lock:
            return sorted(self._repositories)

    def has_repository(self, namespace: str, repository: str) -> bool:
        """Tell whether the repository exists, be it empty."""
        return (namespace, repository) in self._repositories

    def page(self, namespace: str, repository: str, page: Page) -> Listing:
        """List tags of a repository; there are none of a repository that does not exist."""
        tags = self._in_order(namespace, repository, page.order)
        # The reference does not say whether `tag` matches exactly: all that contain it are
        # answered, so that a client that does not compare for itself is caught.
        found = [tag for tag in tags if page.tag in tag.name] if page.tag else tags
        ordered = reversed(found) if page.descending else iter(found)
        wanted = itertools.islice(ordered, page.offset, page.offset + page.limit)
        return Listing(list(wanted), len(found))

    def tag(self, namespace: str, repository: str, name: str) -> Tag | None:
        """Find a tag."""
        return self._repositories.get((namespace, repository), {}).get(name)

    def add_organization(self, namespace: str) -> bool:
        """Create an organization; tell whether it is new."""
        with self._lock:
            new = namespace not in self._organizations
            self._organizations.add(namespace)
            return new

    def put(
        self, namespace: str, repository: str, name: str, content: Content, *, at: datetime
    ) -> Tag:
        """Push a tag: it has this content from now on."""
        with self._lock:
            tags = self._repositories.setdefault((namespace, repository), {})
            serial = next(self._ids)
            digest = content.digest or self._new_digest(serial)
            old = tags.get(name) or Tag(
                serial, namespace, repository, name, digest, created=at, updated=at
            )
            tags[name] = replace(old, digest=digest, index=content.index, updated=at)
            self._forget_order(namespace, repository)
            return tags[name]

    def remove(self, tag: Tag) -> None:
        """Delete a tag; its repository stays, as in SWR."""
        with self._lock:
            self._repositories[tag.namespace, tag.repository].pop(tag.name, None)
            self._forget_order(tag.namespace, tag.repository)

    def clear(self) -> None:
        """Forget everything."""
        with self._lock:
            self._ids = itertools.count(1)
            self._organizations.clear()
            self._repositories.clear()
            self._sorted.clear()

    def _in_order(self, namespace: str, repository: str, order: Order) -> Sequence[Tag]:
        key = (namespace, repository, order)
        with self._lock:
            if key not in self._sorted:
                tags = self._repositories.get((namespace, repository), {}).values()
                self._sorted[key] = sorted(tags, key=_ORDERS[order])
            return self._sorted[key]

    def _forget_order(self, namespace: str, repository: str) -> None:
        for order in _ORDERS:
            self._sorted.pop((namespace, repository, order), None)

    def _new_digest(self, serial: int) -> str:
        return "sha256:" + hashlib.sha256(f"{self._region}/{serial}".encode()).hexdigest()
