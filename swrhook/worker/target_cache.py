"""Cache of what SWR says about regions and organizations: what exists, and what is offered.

Syncing many tags into one organization then takes only one request for it.
"""

from collections.abc import Callable
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

from swrhook.errors import Kind, SwrError
from swrhook.model import Lane, Target
from swrhook.swr.error_codes import IMPOSSIBLE_REGION
from swrhook.wording.message import say

_EXISTING_TTL = timedelta(minutes=10)
# Short: an operator who creates the missing organization retries at once.
MISSING_TTL = timedelta(seconds=15)
_REGIONS_TTL = timedelta(minutes=10)
# After this, ShowRepoTag is tried once more: a region may get it.
_NO_SHOW_TAG_TTL = timedelta(hours=6)


class TargetCache:
    """Remembers the organizations and regions of targets for a while.

    It needs no lock: every access reads or writes one entry of a dict, which is atomic.
    """

    def __init__(self) -> None:
        self._namespaces: dict[Target, tuple[bool, datetime]] = {}
        self._regions: dict[str, tuple[AbstractSet[str] | None, datetime]] = {}
        self._no_show_tag: dict[str, datetime] = {}

    def has_namespace(self, target: Target, now: datetime, load: Callable[[], bool]) -> bool:
        """Return whether the target's organization exists and is ours; `load` requests it."""
        entry = self._namespaces.get(target)
        if entry is not None:
            exists, loaded_at = entry
            ttl = _EXISTING_TTL if exists else MISSING_TTL
            if timedelta() <= now - loaded_at < ttl:
                return exists
        exists = load()
        self._namespaces[target] = (exists, now)
        return exists

    def forget(self, target: Target) -> None:
        """Drop what is cached about an organization, after an answer that contradicts it."""
        self._namespaces.pop(target, None)

    def load_regions(
        self, region: str, now: datetime, load: Callable[[], AbstractSet[str] | None]
    ) -> None:
        """Cache the regions that this one can synchronize to, unless they are cached already."""
        if not self._has_regions(region, now):
            self._regions[region] = (load(), now)

    def is_possible(self, lane: Lane, now: datetime) -> bool | None:
        """Return whether the source can synchronize to the target's region; None if unknown."""
        if not self._has_regions(lane.source_region, now):
            return None
        regions, _ = self._regions[lane.source_region]
        return None if regions is None else lane.target.region in regions

    def has_show_tag(self, region: str, now: datetime) -> bool:
        """Return False if the region is known to lack the operation ShowRepoTag."""
        since = self._no_show_tag.get(region)
        return since is None or not timedelta() <= now - since < _NO_SHOW_TAG_TTL

    def record_no_show_tag(self, region: str, now: datetime) -> None:
        """Remember that a region lacks ShowRepoTag."""
        self._no_show_tag[region] = now

    def _has_regions(self, region: str, now: datetime) -> bool:
        entry = self._regions.get(region)
        return entry is not None and timedelta() <= now - entry[1] < _REGIONS_TTL


def impossible_region(lane: Lane) -> SwrError:
    """Return the error of a sync whose target region SWR does not offer."""
    return SwrError(
        Kind.CONFIGURATION,
        IMPOSSIBLE_REGION,
        say(
            "%(source)s does not synchronize to the region %(target)s",
            source=lane.source_region,
            target=lane.target.region,
        ),
        remedy=say(
            "correct the rule's target region %(target)s, or choose another one that"
            " SWR offers in %(source)s, then retry the sync",
            source=lane.source_region,
            target=lane.target.region,
        ),
    )
