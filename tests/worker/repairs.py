"""Shared by the tests of backfill and reconcile: a repair worker on a ledger, lanes run by hand."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import timedelta
from typing import Any

from sqlalchemy import Connection

from swrhook.config import Config, parse
from swrhook.config.model import Reconcile
from swrhook.ledger.database import Database
from swrhook.ledger.operator import Operator
from swrhook.ledger.queries.repairs import (
    FindingFilter,
    ListedFinding,
    ListedRepair,
    RepairFilter,
    find_repairs,
    list_findings,
    read_repairs,
)
from swrhook.syncs.reconciliation import RepairKind, RepairRequest, RepositoryRef
from swrhook.worker.gateway import SwrGateway
from swrhook.worker.repairs import RepairWorker
from tests.factories import FakeOutcomes, ready_lanes
from tests.web.harness import CONFIG, configuration
from tests.worker.harness import WorkerHarness

SHOP = RepositoryRef("cn-north-4", "team", "web/shop")
CART = RepositoryRef("cn-north-4", "team", "web/cart")
_SYNC = '{region: cn-east-3, namespace: "{namespace}"}'
BACKFILL, RECONCILE = RepairKind.BACKFILL, RepairKind.RECONCILE


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


@dataclass
class RepairSetup:
    """A repair worker and its collaborators."""

    harness: WorkerHarness
    before_wake: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.harness.config = replace(self.harness.config, **_rules(configuration()))

    @property
    def database(self) -> Database:
        return self.harness.database

    @property
    def worker(self) -> RepairWorker:
        """Return a new worker on the same ledger, as a new process would have."""
        return RepairWorker(self.database, self, self, self.harness.clock)

    @property
    def operator(self) -> Operator:
        return Operator(self.database, self, FakeOutcomes(), self.harness.clock)

    def set_options(self, **options: Any) -> None:
        config = self.harness.config
        self.harness.config = replace(config, options=replace(config.options, **options))

    def schedule_reconcile(self, every: timedelta | None, max_calls: int = 1000) -> None:
        self.set_options(reconcile=Reconcile(every, max_calls))

    def use_rules(self, when: str, sync: str = _SYNC, more: str = "") -> None:
        """Replace the rules by one, `all`, with this condition and this target."""
        text = CONFIG.partition("rules:")[0]
        text += f"rules: [{{name: all, when: {{{when}}}, sync: [{sync}]{more}}}]"
        config = parse(text.encode(), file="f", environ={}, read_file=lambda _path: "")
        self.harness.config = replace(self.harness.config, **_rules(config))

    def backfills(self) -> list[ListedRepair]:
        """Return all backfills, newest first."""
        return self._list(BACKFILL)

    def reconciles(self) -> list[ListedRepair]:
        """Return all reconciles, newest first."""
        return self._list(RECONCILE)

    def _list(self, kind: RepairKind) -> list[ListedRepair]:
        with self.database.read() as connection:
            return read_repairs(connection, find_repairs(connection, kind, RepairFilter()).items)

    def begin(
        self,
        kind: RepairKind = BACKFILL,
        repositories: Sequence[RepositoryRef] | None = (SHOP,),
        **options: Any,
    ) -> str:
        request = RepairRequest(kind, repositories, **options)
        return self.operator.begin_repair(request)

    def work(self, most: int = 100) -> None:
        """Do steps until nothing is left to do now."""
        while self.worker.step():
            most -= 1
            assert most, "too many steps"

    def sync(self) -> None:
        """Run the ready lanes until nothing is due any more."""
        while lanes := ready_lanes(self.database):
            for lane in lanes:
                self.harness.run_until_quiet(lane)

    def show(self, repair_id: str, kind: RepairKind = BACKFILL) -> ListedRepair:
        with self.database.read() as connection:
            [repair] = read_repairs(connection, [repair_id])
        assert repair.kind == kind
        return repair

    def tags(self, repair_id: str) -> list[ListedFinding]:
        """Return the findings in the order in which they were made."""
        with self.database.read() as connection:
            page = list_findings(connection, repair_id, FindingFilter(limit=1000))
        return list(reversed(page.items))

    @property
    def config(self) -> Config:
        return self.harness.config

    @property
    def gateway(self) -> SwrGateway:
        return self.harness.runner.gateway

    @contextmanager
    def lease(self) -> Iterator["RepairSetup"]:
        yield self

    def wake(self, connection: Connection) -> None:
        del connection
        self.before_wake()


def _rules(config: Config) -> dict[str, Any]:
    return {"senders": config.senders, "rules": config.rules}


def fill(repairs: RepairSetup, *tags: str, at_targets: bool = False) -> None:
    for number, tag in enumerate(tags):
        repairs.harness.swr.put(tag, digest(number))
        if at_targets:
            repairs.harness.swr.put_at_target(tag, digest(number))
