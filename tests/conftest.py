"""What holds for every test: a ledger on request, and in CI a skipped test is a failed one."""

import os
import shutil
from collections.abc import Generator, Iterator
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
    """A ledger of the test's own."""
    logs.configure("json", "CRITICAL")
    shutil.copy(empty_ledger, tmp_path / "ledger.db")
    database = open_database(f"sqlite:///{tmp_path}/ledger.db")
    yield database
    database.close()


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Begin with the image: it takes longest, and mostly waits for what others do not need."""
    items.sort(key=lambda item: item.get_closest_marker("container") is None)


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport() -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Refuse a test's skip in CI."""
    report = yield
    _refuse_skip_in_ci(report)
    return report


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report() -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """Refuse a whole module's skip in CI."""
    report = yield
    _refuse_skip_in_ci(report)
    return report


def _refuse_skip_in_ci(report: pytest.TestReport | pytest.CollectReport) -> None:
    """Turn a skip into a failure where CI=true: what a test lacks there, `.ci/run` must install."""
    if os.environ.get("CI") == "true" and report.skipped and not hasattr(report, "wasxfail"):
        reason = report.longrepr[2] if isinstance(report.longrepr, tuple) else report.longrepr
        report.outcome = "failed"
        report.longrepr = f"skipping is not allowed in CI: {reason}"
