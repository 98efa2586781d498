import pytest

from swrhook.ledger.database import Database
from tests.web.parts import Parts


@pytest.fixture
def parts(database: Database) -> Parts:
    return Parts(database)
