"""What a place held when it was last observed, and how that differs from what was verified."""

from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from swrhook.model import Target, image_name

# Nobody may ask for what was there longer ago.
LONGEST_AGE = timedelta(hours=24)


@dataclass(frozen=True, slots=True, order=True)
class Place:
    """A tag of a repository in one region, at the source or at a target."""

    region: str
    namespace: str
    repository: str
    tag: str

    def __str__(self) -> str:
        """Return `region/namespace/repository:tag`."""
        return f"{self.region}/{image_name(self.namespace, self.repository, self.tag)}"


@dataclass(frozen=True, slots=True)
class TagObservation:
    """The digest that a place held when it was read, None for no such tag.

    `observed_at` is when the request began, so that what it found was there at that time or later.
    `sync` is the sync that copied the digest there, if one of ours did. `source` is the region and
    organization that a target is copied from, None if that is not known.
    """

    place: Place
    digest: str | None
    observed_at: datetime
    sync: str | None = None
    source: Target | None = None


class DriftKind(StrEnum):
    """How a target differs now from what was verified there."""

    MISSING = "missing"
    CHANGED = "changed"
