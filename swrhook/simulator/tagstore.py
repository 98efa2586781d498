"""The tags of a region in memory. mirror.py has the same methods for those of a registry."""

import hashlib
import itertools
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from threading import RLock
from typing import Any, Generic, Literal, TypeAlias, TypeVar

from swrhook.simulator.model import SeedTag, Tag

Item = TypeVar("Item")
Order: TypeAlias = Literal["updated_at", "tag"]
_ORDERS: Mapping[Order, Callable[[Tag], Any]] = {
    "updated_at": lambda tag: (tag.updated, tag.id),
    "tag": lambda tag: tag.name,
}


@dataclass(frozen=True, slots=True)
class Window:
    """The part of a list that a request asks for."""

    offset: int = 0
    limit: int = 100

    def select(self, items: Iterable[Item]) -> list[Item]:
        """Return this part of the items."""
        return list(itertools.islice(items, self.offset, self.offset + self.limit))


@dataclass(frozen=True, slots=True)
class Listing(Generic[Item]):
    """A part of a list, and the length of the whole list."""

    items: Sequence[Item]
    total: int


@dataclass(frozen=True, slots=True)
class Page(Window):
    """The part and the order of a list of tags; `tag` is a part of the name."""

    tag: str = ""
    order: Order = "updated_at"
    descending: bool = True


class StoredTags:
    """Tags in memory, under a lock that is shared with the sync jobs, which read and write them."""

    def __init__(self, region: str, lock: RLock) -> None:
        self._region = region
        self._lock = lock
        self._ids = itertools.count(1)
        self._organizations: set[str] = set()
        self._repositories: dict[tuple[str, str], dict[str, Tag]] = {}
        # When each repository was created, and last pushed to.
        self._times: dict[tuple[str, str], tuple[datetime, datetime]] = {}
        # A cache: lists are read page by page, and far more often than tags change.
        self._sorted: dict[tuple[str, str], dict[Order, Sequence[Tag]]] = {}

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
        """Tell whether the repository exists, even if it is empty."""
        return (namespace, repository) in self._repositories

    def times(self, namespace: str, repository: str) -> tuple[datetime, datetime]:
        """Return when a repository was created, and when it was last pushed to."""
        return self._times[namespace, repository]

    def page(self, namespace: str, repository: str, page: Page) -> Listing[Tag]:
        """List tags of a repository; a repository that does not exist has none."""
        tags = self._in_order(namespace, repository, page.order)
        # The reference does not say whether `tag` matches exactly. All names that contain it are
        # listed, to expose clients that rely on an exact match.
        matching = [tag for tag in tags if page.tag in tag.name] if page.tag else tags
        ordered = reversed(matching) if page.descending else iter(matching)
        return Listing(page.select(ordered), len(matching))

    def tag(self, namespace: str, repository: str, name: str) -> Tag | None:
        """Return a tag, None if it does not exist."""
        return self._repositories.get((namespace, repository), {}).get(name)

    def add_organization(self, namespace: str) -> bool:
        """Create an organization; return False if it exists."""
        with self._lock:
            new = namespace not in self._organizations
            self._organizations.add(namespace)
            return new

    def add_repository(self, namespace: str, repository: str, *, at: datetime) -> bool:
        """Create an empty repository; return False if it exists."""
        with self._lock:
            new = (namespace, repository) not in self._repositories
            self._repositories.setdefault((namespace, repository), {})
            self._times.setdefault((namespace, repository), (at, at))
            return new

    def remove_repository(self, namespace: str, repository: str) -> bool:
        """Delete a repository; return False if it still has tags."""
        with self._lock:
            if self._repositories.get((namespace, repository)):
                return False
            self._repositories.pop((namespace, repository), None)
            return True

    def put(self, seed: SeedTag, *, at: datetime, content: str = "") -> Tag:
        """Push a tag, or move an existing one; `content` is the digest of the image it copies."""
        namespace, repository, name = seed.namespace, seed.repository, seed.tag
        with self._lock:
            tags = self._repositories.setdefault((namespace, repository), {})
            serial = next(self._ids)
            digest = seed.digest or self._new_digest(serial)
            old = tags.get(name) or Tag(
                serial, namespace, repository, name, digest, created=at, updated=at
            )
            content = content or digest
            tags[name] = replace(old, digest=digest, index=seed.index, updated=at, content=content)
            self._sorted.pop((namespace, repository), None)
            created, _ = self._times.get((namespace, repository), (at, at))
            self._times[namespace, repository] = (created, at)
            return tags[name]

    def remove(self, tag: Tag) -> None:
        """Delete a tag; its repository stays, as in SWR, and counts as updated as before."""
        with self._lock:
            key = (tag.namespace, tag.repository)
            self._repositories[key].pop(tag.name, None)
            self._sorted.pop(key, None)

    def _in_order(self, namespace: str, repository: str, order: Order) -> Sequence[Tag]:
        key = (namespace, repository)
        with self._lock:
            by_order = self._sorted.setdefault(key, {})
            if order not in by_order:
                by_order[order] = sorted(
                    self._repositories.get(key, {}).values(), key=_ORDERS[order]
                )
            return by_order[order]

    def _new_digest(self, serial: int) -> str:
        return "sha256:" + hashlib.sha256(f"{self._region}/{serial}".encode()).hexdigest()
