"""Keeps the coverage up to date between two comparisons, and proposes backfills for new rules."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from time import monotonic

from swrhook import logs
from swrhook.clock import Clock
from swrhook.config.model import Config, ConfigSource
from swrhook.ledger import repairs
from swrhook.ledger.database import Database
from swrhook.ledger.gap_settlement import find_changes, settle
from swrhook.ledger.known_targets import (
    is_first_configuration,
    remember_targets,
    unknown_targets,
)
from swrhook.ledger.leases import PeriodicLease
from swrhook.ledger.rows import group
from swrhook.periodic import PeriodicThread, always
from swrhook.syncs.coverage import CoverageKey
from swrhook.syncs.reconciliation import RepairKind, RepairRequest
from swrhook.syncs.scope import Scope
from swrhook.usecases.rule_scope import coverage_keys

POLL_INTERVAL = 2.0  # seconds
_LEASED_FOR = timedelta(seconds=1.5)
_PORTION = 500
# Of the time, while gaps change: 100,000 of them take a minute then, and else seven.
_BUSY_SHARE = 0.1
# A backfill names no more rules than this; for more, it is about all that copy to the region.
_MOST_RULES = 100


@dataclass(eq=False)
class CoverageWatch(PeriodicThread):
    """One process follows the gaps for all, a portion at a time, round and round."""

    database: Database
    config: ConfigSource
    clock: Clock
    interval: float = POLL_INTERVAL
    has_gaps: Callable[[], bool] = always
    timer: Callable[[], float] = monotonic

    def __post_init__(self) -> None:
        super().__init__("coverage_watch", self.poll, self.interval, is_due=self._is_poll_due)
        self._lease = PeriodicLease(self.database, "coverage", self.clock)
        self._after = ""
        # In this round over the gaps; if syncs move on, the round takes a share of the time.
        self._changes, self._is_moving = 0, False
        self._seen_version: str | None = None

    def _is_poll_due(self) -> bool:
        return self.config.current().version != self._seen_version or self.has_gaps()

    def poll(self) -> bool:
        """Look at a new configuration, and at the next gaps; return False."""
        config = self.config.current()
        if config.version != self._seen_version:
            self._propose_backfills(config)
            self._seen_version = config.version
        if self._lease.begin(_LEASED_FOR):
            until = self.timer() + (_BUSY_SHARE * self.interval if self._is_moving else 0)
            while self._follow_portion() and self.timer() < until:
                pass
        return False

    def _follow_portion(self) -> bool:
        """Follow the syncs of the next gaps; return whether there are more after them."""
        with self.database.read() as connection:
            changes = find_changes(connection, self._after, _PORTION)
        if changes.count:  # looked at again, since nothing else can change them now
            with self.database.write() as connection:
                settle(connection, self._after, _PORTION)
        self._changes += changes.count
        self._is_moving = self._changes > 0 or (self._is_moving and changes.last is not None)
        if changes.last is None:
            self._changes = 0
        self._after = changes.last or ""
        return changes.last is not None

    def _propose_backfills(self, config: Config) -> None:
        """Begin backfills of what new rules and regions want: without syncs, unless they say so.

        The first configuration of a ledger proposes nothing: otherwise, so would every upgrade.
        """
        automatic = {rule.name for rule in config.rules if rule.backfill == "auto"}
        with self.database.read() as connection:
            is_first = is_first_configuration(connection)
            new = unknown_targets(connection, coverage_keys(config))
        if not new:
            return
        now = self.clock.now()
        with self.database.write() as connection:
            for request in _requests(remember_targets(connection, new, now), automatic):
                if is_first and request.needs_confirmation:
                    continue
                repair = repairs.begin(connection, request, now)
                logs.event("backfill.begun", repair=repair, **_describe(request))


def _requests(new: Iterable[CoverageKey], automatic: set[str]) -> list[RepairRequest]:
    """Return a backfill for each region, and one more for rules that have `backfill: auto`."""
    by_place = group(((key.target_region, key.rule in automatic), key.rule) for key in new)
    return [
        RepairRequest(
            RepairKind.BACKFILL,
            needs_confirmation=not is_automatic,
            scope=Scope(target_region=region, rules=_few(rules)),
            proposed=True,
        )
        for (region, is_automatic), rules in sorted(by_place.items())
    ]


def _few(rules: Sequence[str]) -> Sequence[str] | None:
    return rules if len(rules) <= _MOST_RULES else None


def _describe(request: RepairRequest) -> dict[str, object]:
    scope = request.scope or Scope()
    names = "all" if scope.rules is None else ", ".join(scope.rules)
    return {
        "target_region": scope.target_region,
        "rules": names,
        "automatic": not request.needs_confirmation,
    }
