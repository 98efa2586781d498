"""The dependencies of the web layer, passed to every function that creates routes."""

import threading
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, Concatenate, ParamSpec, TypeVar

from flask import g, has_app_context
from werkzeug.exceptions import ServiceUnavailable

from swrhook.clock import Clock
from swrhook.config.model import Config, ConfigSource
from swrhook.ledger.database import Database
from swrhook.ledger.operator import Operator
from swrhook.ledger.queries import repairs
from swrhook.ledger.queries.repairs import ListedRepair
from swrhook.ledger.queries.stats import Stats
from swrhook.metrics import Metrics
from swrhook.service.health import Health
from swrhook.service.sender_monitor import SenderActivity
from swrhook.service.statistics import RepairCounts, Statistics
from swrhook.sso import IdentityProvider
from swrhook.usecases.availability.check import AvailabilityChecker
from swrhook.usecases.receive import DeliveryRecorder
from swrhook.web.problems import RETRY_AFTER
from swrhook.web.rate_limit import SenderRateLimits
from swrhook.web.turns import Turns

P = ParamSpec("P")
Result = TypeVar("Result")


class Draining:
    """Whether this process is draining: "not ready" because it will be stopped, but still working.

    The event `begun` ends long polls.
    """

    def __init__(self) -> None:
        self.begun = threading.Event()
        self.since: datetime | None = None

    def begin(self, now: datetime) -> None:
        """Start draining. It cannot be undone, and a second call changes nothing."""
        if self.since is None:
            self.since = now
        self.begun.set()

    def check(self) -> str | None:
        """Return the reason why this process is not ready, or None."""
        return "draining" if self.begun.is_set() else None


@dataclass(frozen=True, slots=True)
class WebContext:
    """Everything that routes use. During a request `config` stays the same configuration."""

    config: ConfigSource
    clock: Clock
    database: Database
    recorder: DeliveryRecorder
    operator: Operator
    metrics: Metrics
    health: Health
    senders: SenderActivity
    statistics: Statistics
    repair_counts: RepairCounts
    availability: AvailabilityChecker
    identity_provider: IdentityProvider
    draining: Draining = field(default_factory=Draining)
    rate_limits: SenderRateLimits = field(default_factory=SenderRateLimits)
    # Comparisons run in a process of their own; what else computes for long does so in its thread.
    comparisons: Turns = field(default_factory=lambda: Turns("comparison", wait=0, waiting=0))
    computations: Turns = field(default_factory=lambda: Turns("explanation", wait=1, waiting=4))
    # Each asks the identity provider, which may be slow. Everybody can begin one; that asks it only
    # now and then.
    begun_sign_ins: Turns = field(default_factory=lambda: Turns("sign-in", wait=5, waiting=4))
    sign_ins: Turns = field(default_factory=lambda: Turns("sign-in", wait=5, waiting=4))
    # Those of addresses that were refused often.
    doubtful_sign_ins: Turns = field(default_factory=lambda: Turns("sign-in", wait=5, waiting=4))
    # Pages of more than USUAL_LIMIT items: writing 1,000 takes some 50 ms of the interpreter.
    large_pages: Turns = field(default_factory=lambda: Turns("large page", wait=5, waiting=4))

    def read(
        self, query: Callable[Concatenate[Any, P], Result], *args: P.args, **kwargs: P.kwargs
    ) -> Result:
        """Return the result of one of the ledger's queries, which takes a connection first."""
        with self.database.read() as connection:
            return query(connection, *args, **kwargs)

    def count(self, window: timedelta) -> Stats:
        """Return the numbers of a window, some seconds old. Raises ServiceUnavailable."""
        return _require_counted(self.statistics.get(window))

    def read_repairs(self, ids: Sequence[str]) -> list[ListedRepair]:
        """Return repairs, with numbers of large ones that are some seconds old.

        Raises ServiceUnavailable.
        """
        counted = {
            repair_id: _require_counted(self.repair_counts.get((repair_id, stage)))
            for repair_id, stage in self.read(repairs.large_repairs, ids)
        }
        return self.read(repairs.read_repairs, ids, counted)


def _require_counted(numbers: Result | None) -> Result:
    if numbers is None:
        raise ServiceUnavailable(
            "the ledger could not be counted in time: is it available, see /readyz?",
            retry_after=RETRY_AFTER,
        )
    return numbers


class RequestConfig:
    """A ConfigSource that keeps one configuration for the whole request, despite reloads."""

    def __init__(self, config: ConfigSource) -> None:
        self._config = config

    def current(self) -> Config:
        """Return the request's configuration or, outside a request, the current one."""
        if not has_app_context():
            return self._config.current()
        config: Config | None = g.get("config")
        if config is None:
            config = g.config = self._config.current()
        return config
