"""What the tests of backfill and reconcile share: a repairer on a ledger, lanes run by hand."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Connection

from swrhook.config import Config
from swrhook.config.model import Reconcile
from swrhook.ledger.database import Database
from swrhook.ledger.operator import Operator
from swrhook.ledger.queries.repairs import (
    FindingFilter,
    ListedFinding,
    ListedRepair,
    find_repair,
    list_findings,
)
from swrhook.model import Lane
from swrhook.syncs.reconciliation import RepairKind, RepairRequest, RepositoryRef
from swrhook.worker.gateway import SwrGateway
from swrhook.worker.repair_worker import RepairWorker
from tests.factories import FakeOutcomes
from tests.web.parts import configuration
from tests.worker.parts import Works

SHOP = RepositoryRef("cn-north-4", "team", "web/shop")
BACKFILL, RECONCILE = RepairKind.BACKFILL, RepairKind.RECONCILE


def digest(number: int) -> str:
    return f"sha256:{number:064x}"


@dataclass
class Mends:
    """A repairer and what it works with; `woken` are the lanes that its syncs are in."""

    works: Works
    woken: list[Lane] = field(default_factory=list)
    before_wake: Callable[[], None] = lambda: None

    def __post_init__(self) -> None:
        self.works.config = replace(self.works.config, **_rules(configuration()))

    @property
    def database(self) -> Database:
        return self.works.database

    @property
    def repairer(self) -> RepairWorker:
        """Return a new repairer on the same ledger, as a new process would have."""
        return RepairWorker(self.database, self, self, self.works.clock)

    @property
    def operator(self) -> Operator:
        return Operator(self.database, self, FakeOutcomes(), self.works.clock)

    def let_options_be(self, **options: Any) -> None:
        config = self.works.config
        self.works.config = replace(config, options=replace(config.options, **options))

    def let_reconcile_be(self, every: timedelta | None, max_calls: int = 1000) -> None:
        self.let_options_be(reconcile=Reconcile(every, max_calls))

    def begin(
        self,
        kind: RepairKind = BACKFILL,
        repositories: Sequence[RepositoryRef] | None = (SHOP,),
        **options: Any,
    ) -> str:
        request = RepairRequest(kind, repositories, **options)
        return self.operator.begin_repair(request, self.works.clock.time)

    def work(self, most: int = 100) -> None:
        """Do steps until there is nothing to do now."""
        while self.repairer.step():
            most -= 1
            assert most, "no end"

    def sync(self) -> None:
        """Run the lanes that were woken until they rest."""
        while self.woken:
            self.works.run_until_quiet(self.woken.pop(0))

    def show(self, repair_id: str, kind: RepairKind = BACKFILL) -> ListedRepair:
        with self.database.read() as connection:
            found = find_repair(connection, kind, repair_id)
        assert found is not None
        return found

    def tags(self, repair_id: str) -> list[ListedFinding]:
        """Return what was found, in the order of finding."""
        with self.database.read() as connection:
            page = list_findings(connection, repair_id, FindingFilter(limit=1000))
        return list(reversed(page.items))

    @property
    def config(self) -> Config:
        return self.works.config

    @property
    def gateway(self) -> SwrGateway:
        return self.works.runner.traffic

    @contextmanager
    def lease(self) -> Iterator["Mends"]:
        yield self

    def wake(self, lanes: Sequence[Lane], at: datetime, connection: Connection) -> None:
        del at, connection
        self.before_wake()
        self.woken += lanes


def _rules(config: Config) -> dict[str, Any]:
    return {"senders": config.senders, "rules": config.rules}
