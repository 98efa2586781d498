"""How many lanes may be worked on at once, for each region they touch.

A hanging region then holds some threads, never all of them.
"""

from collections import Counter

from swrhook.model import Lane


class Gate:
    """Counts the lanes inside by source and by target region. Its owner holds a lock around it."""

    def __init__(self, per_source: int, per_target: int, workers: int) -> None:
        """Keep the caps below the number of workers, so that one region cannot take them all."""
        self._spare = max(workers - 1, 1)
        self._per_source = min(per_source, self._spare)
        self._per_target = min(per_target, self._spare)
        self._sources: Counter[str] = Counter()
        self._targets: Counter[str] = Counter()
        self._parked: dict[tuple[str, str], dict[Lane, None]] = {}

    def enter(self, lane: Lane) -> bool:
        """Let the lane in, or park it until another one leaves."""
        if self._has_room(lane.source_region, lane.target.region):
            self._sources[lane.source_region] += 1
            self._targets[lane.target.region] += 1
            return True
        key = (lane.source_region, lane.target.region)
        self._parked.setdefault(key, {})[lane] = None
        return False

    def leave(self, lane: Lane) -> list[Lane]:
        """Let the lane out; return parked lanes that may try to enter now."""
        self._sources[lane.source_region] -= 1
        self._targets[lane.target.region] -= 1
        freed = []
        for (source, target), lanes in list(self._parked.items()):
            shares = source == lane.source_region or target == lane.target.region
            if shares and self._has_room(source, target):
                freed.append(next(iter(lanes)))
                del lanes[freed[-1]]
                if not lanes:
                    del self._parked[source, target]
        return freed

    def resize(self, per_source: int, per_target: int) -> list[Lane]:
        """Change the caps; return every parked lane, for all may try to enter now."""
        self._per_source = min(per_source, self._spare)
        self._per_target = min(per_target, self._spare)
        parked = [lane for lanes in self._parked.values() for lane in lanes]
        self._parked.clear()
        return parked

    def _has_room(self, source: str, target: str) -> bool:
        return self._sources[source] < self._per_source and self._targets[target] < self._per_target
