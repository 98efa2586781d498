"""What is known of targets before a call: whether organization and region are there.

It is remembered for a while, so that many tags into one organization cost one question.
"""

import threading
from collections.abc import Callable
from collections.abc import Set as AbstractSet
from datetime import datetime, timedelta

from swrhook.errors import Kind, SwrError
from swrhook.model import Lane, Sync, Target
from swrhook.swr.error_codes import IMPOSSIBLE_REGION

FOUND_FOR = timedelta(minutes=10)
# Short: an operator who creates the organization retries at once.
MISSING_FOR = timedelta(seconds=15)
REGIONS_FOR = timedelta(minutes=10)
# Where SWR does not list its regions, a target region is taken for impossible after so many tries
# of a sync that failed in a row, the last of them as for an impossible region.
MOST_TRIES = 10


class TargetCache:
    """What this process has learnt of organizations and regions, until it is too old."""

    def __init__(self) -> None:
        """Know nothing."""
        self._lock = threading.Lock()
        self._namespaces: dict[Target, tuple[bool, datetime]] = {}
        self._regions: dict[str, tuple[AbstractSet[str] | None, datetime]] = {}

    def has_namespace(self, target: Target, now: datetime, ask: Callable[[], bool]) -> bool:
        """Tell whether the organization is there and ours, as remembered or asked for now."""
        with self._lock:
            known = self._namespaces.get(target)
        if known is not None:
            lasts = FOUND_FOR if known[0] else MISSING_FOR
            if timedelta() <= now - known[1] < lasts:
                return known[0]
        found = ask()
        with self._lock:
            self._namespaces[target] = (found, now)
        return found

    def forget(self, target: Target) -> None:
        """Ask anew: something has happened that may not fit what is remembered."""
        with self._lock:
            self._namespaces.pop(target, None)

    def learn_regions(
        self, region: str, now: datetime, ask: Callable[[], AbstractSet[str] | None]
    ) -> None:
        """Have the regions that this one can synchronize to, if they are not remembered."""
        if not self._remembers_regions(region, now):
            listed = ask()
            with self._lock:
                self._regions[region] = (listed, now)

    def is_possible(self, lane: Lane, now: datetime) -> bool | None:
        """Tell whether the source synchronizes to the target's region; None: not known."""
        if not self._remembers_regions(lane.source_region, now):
            return None
        with self._lock:
            listed = self._regions[lane.source_region][0]
        return None if listed is None else lane.target.region in listed

    def _remembers_regions(self, region: str, now: datetime) -> bool:
        with self._lock:
            known = self._regions.get(region)
        return known is not None and timedelta() <= now - known[1] < REGIONS_FOR


def impossible_region(lane: Lane) -> SwrError:
    """Return the error of a sync whose target region SWR does not know."""
    return SwrError(
        Kind.CONFIGURATION,
        IMPOSSIBLE_REGION,
        f"{lane.source_region} does not synchronize to the region {lane.target.region}",
        remedy=f"correct the rule's target region {lane.target.region}, or choose another one that"
        f" SWR offers in {lane.source_region}, then retry the sync",
    )


def read_call(error: SwrError, sync: Sync, *, is_possible: bool | None) -> SwrError:
    """Return what a failed call says about a sync: one answer of SWR says less than it knows."""
    tries = sync.failures + 1
    if error.code != IMPOSSIBLE_REGION or is_possible:
        return error
    if is_possible is None and tries < MOST_TRIES:
        return error
    return impossible_region(sync.lane)
