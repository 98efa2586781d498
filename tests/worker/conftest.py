import pytest

from swrhook.ledger.database import Database
from tests.worker.parts import Works


@pytest.fixture
def works(database: Database) -> Works:
    return Works(database)
