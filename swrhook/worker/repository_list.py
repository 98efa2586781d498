"""How far the list of an organization's repositories is, which is read page by page."""

from dataclasses import dataclass, replace
from datetime import datetime

from swrhook.ledger.types import to_instant, to_microseconds
from swrhook.swr.listings import RepositoryPage
from swrhook.syncs.discovery import OrganizationRef


@dataclass(frozen=True, slots=True)
class RepositoryList:
    """How far the list of an organization is."""

    ref: OrganizationRef
    began_at: datetime
    offset: int = 0
    total: int | None = None
    is_steady: bool = True  # no repository was added or deleted meanwhile

    @classmethod
    def from_cursor(cls, cursor: str) -> "RepositoryList":
        """Return the list that has this `cursor`, without its first part."""
        region, namespace, began, offset, total, is_steady = cursor.split("/")
        ref = OrganizationRef(region, namespace)
        expected = int(total) if total else None
        return cls(ref, to_instant(int(began)), int(offset), expected, is_steady == "True")

    @property
    def cursor(self) -> str:
        """Return how far it is as a cursor of a repair."""
        total = "" if self.total is None else self.total
        place = f"{self.ref.region}/{self.ref.namespace}"
        began = to_microseconds(self.began_at)
        return f"list/{place}/{began}/{self.offset}/{total}/{self.is_steady}"

    def after(self, page: RepositoryPage) -> "RepositoryList":
        """Return how far it is after another page."""
        is_steady = self.is_steady and self.total in (None, page.total)
        return replace(self, offset=self.offset + page.count, total=page.total, is_steady=is_steady)

    @property
    def is_whole(self) -> bool:
        """Tell whether no repository is missing in it."""
        return self.is_steady and self.total in (None, self.offset)
