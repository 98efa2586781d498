import pytest

from swrhook.ledger.database import Database
from tests.worker.harness import WorkerHarness
from tests.worker.repairs import RepairSetup


@pytest.fixture
def harness(database: Database) -> WorkerHarness:
    return WorkerHarness(database)


@pytest.fixture
def repairs(harness: WorkerHarness) -> RepairSetup:
    return RepairSetup(harness)
