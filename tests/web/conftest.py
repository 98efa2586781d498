import pytest

from swrhook.ledger.database import Database
from tests.web.harness import WebHarness


@pytest.fixture
def harness(database: Database) -> WebHarness:
    return WebHarness(database)
