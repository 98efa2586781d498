import pytest

from swrhook.ledger.database import Database
from tests.worker.harness import WorkerHarness


@pytest.fixture
def harness(database: Database) -> WorkerHarness:
    return WorkerHarness(database)
