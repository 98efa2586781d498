"""What the tests of lane runs share."""

from dataclasses import replace

from swrhook.ledger.tables import syncs
from swrhook.model import Sync
from swrhook.swr.protocol import SyncJob
from tests.factories import LANE, TARGET, everything
from tests.worker.harness import WorkerHarness

OVERRIDE = replace(LANE, override=True)


class Killed(Exception):
    """The process ends here."""


def killed() -> None:
    raise Killed


def row(harness: WorkerHarness, sync: Sync) -> dict[str, object]:
    return next(row for row in everything(harness.database, syncs) if row["id"] == sync.id)


def job(harness: WorkerHarness, status: str, tag: str = "v1") -> SyncJob:
    return SyncJob(tag, status, TARGET, harness.clock.time)
