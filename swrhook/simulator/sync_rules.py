"""The rules of automatic synchronization that clients have made."""

import itertools
from collections.abc import Sequence
from datetime import datetime
from threading import Lock

from swrhook.simulator.jobs import Image
from swrhook.simulator.model import SyncRule, Target


class SyncRules:
    """At most one rule for a repository and a target."""

    def __init__(self) -> None:
        self._lock = Lock()
        self._ids = itertools.count(1)
        self._rules: dict[tuple[Image, str, str], SyncRule] = {}

    def add(self, source: Image, target: Target, *, auto: bool, at: datetime) -> bool:
        """Add a rule; tell whether there was none for this target."""
        key = (source, target.region, target.namespace)
        with self._lock:
            if key in self._rules:
                return False
            self._rules[key] = SyncRule(next(self._ids), target, auto=auto, created=at)
            return True

    def remove(self, source: Image, region: str, namespace: str) -> bool:
        """Remove the rule for a target; tell whether there was one."""
        with self._lock:
            return self._rules.pop((source, region, namespace), None) is not None

    def of(self, source: Image) -> Sequence[SyncRule]:
        """List the rules of a repository."""
        with self._lock:
            return [rule for (image, _, _), rule in self._rules.items() if image == source]

    def clear(self) -> None:
        """Forget all rules."""
        with self._lock:
            self._ids = itertools.count(1)
            self._rules.clear()
