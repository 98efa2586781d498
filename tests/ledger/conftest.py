import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from swrhook import logs
from swrhook.ledger.database import Database, open_database


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger that has gone through the migrations, to copy."""
    path = tmp_path_factory.mktemp("ledger") / "ledger.db"
    open_database(f"sqlite:///{path}").close()
    return path


@pytest.fixture
def database(empty_ledger: Path, tmp_path: Path) -> Iterator[Database]:
    logs.configure("json", "CRITICAL")
    shutil.copy(empty_ledger, tmp_path / "ledger.db")
    database = open_database(f"sqlite:///{tmp_path}/ledger.db")
    yield database
    database.close()
