"""What discovery lists at the source. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class OrganizationRef:
    """An organization of a source region; without `namespace`, the region's list of them."""

    region: str
    namespace: str


@dataclass(frozen=True, slots=True)
class DiscoveredRepository:
    """A repository as SWR lists it; None where it does not say. It may show only some `tags`."""

    name: str
    tags: Sequence[str]
    tag_count: int | None
    updated_at: datetime | None
