"""What holds for every test: a ledger on request, and in CI a skipped test is a failed one."""

import gc
import os
import shutil
from collections.abc import Generator, Iterator
from pathlib import Path

import hypothesis
import pytest

from swrhook import logs
from swrhook.ledger.database import Database, open_database
from tests.postgresql import empty, new_database

# A machine that is busy with other tests is no failure of the one at hand.
hypothesis.settings.register_profile("unhurried", deadline=None)
hypothesis.settings.register_profile("quick", deadline=None, max_examples=10)
hypothesis.settings.load_profile("unhurried")

# Thousands of tests make a ledger, which flushes every commit. In memory they wait for no disk.
MEMORY = Path("/dev/shm")
ROOM = 4 * 1024**3
if (
    MEMORY.is_dir()
    and shutil.disk_usage(MEMORY).free > ROOM
    and not os.statvfs(MEMORY).f_flag & os.ST_NOEXEC  # some tests start what they have written
):
    os.environ.setdefault("PYTEST_DEBUG_TEMPROOT", str(MEMORY))


@pytest.fixture(scope="session")
def empty_ledger(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A ledger that has gone through the migrations, to copy."""
    path = tmp_path_factory.mktemp("ledger") / "ledger.db"
    open_database(f"sqlite:///{path}").close()
    return path


@pytest.fixture(scope="session")
def ledger_on_server() -> Iterator[Database]:
    """A ledger on PostgreSQL, shared by the tests of this process."""
    with new_database() as url:
        database = open_database(url)
        yield database
        database.close()


@pytest.fixture
def database(request: pytest.FixtureRequest) -> Database:
    """An empty ledger, on each database that the test is for."""
    logs.configure("json", "CRITICAL")
    database: Database = request.getfixturevalue(f"on_{request.param}")
    return database


@pytest.fixture
def on_sqlite(empty_ledger: Path, tmp_path: Path) -> Iterator[Database]:
    """A ledger in a file of the test's own."""
    shutil.copy(empty_ledger, tmp_path / "ledger.db")
    database = open_database(f"sqlite:///{tmp_path}/ledger.db")
    yield database
    database.close()


@pytest.fixture
def on_postgresql(ledger_on_server: Database) -> Iterator[Database]:
    """The ledger on PostgreSQL, emptied."""
    with ledger_on_server.write(durable=False) as connection:
        empty(connection)
    yield ledger_on_server
    ledger_on_server.close()


# What is tested on both databases: all SQL, and what rests on how the two run it.
ON_BOTH = (
    "engine",
    "ledger",
    "worker",
    "web/test_replay",
    "web/api/test_repairs",
    "web/api/test_syncs",
    "web/api/test_deliveries",
)
DATABASES = ("sqlite", "postgresql")
# Left out by --quick: these start processes or a browser, or wait for seconds.
SLOW = (
    "auth/test_totality",
    "chaos",
    "cli/test_client",
    "cli/test_commands",
    "cli/test_demo",
    "cli/test_docs",
    "cli/test_replay",
    "cli/test_simulator",
    "cli/test_sync_actions",
    "cli/test_tables",
    "cli/test_wait",
    "cluster",
    "dialects/test_totality",
    "engine",
    "ledger/test_migrate",
    "ledger/test_recorder",
    "reliability",
    "service",
    "simulator/test_docs",
    "test_chart",
    "test_container",
    "test_dockerfile",
    "test_package",
    "test_site",
    "web/api/test_wait",
    "web/dashboard/test_pages",
    "web/test_api_docs",
    "web/test_contract",
    "worker/test_fairness",
)
# Unit tests in a folder of SLOW.
FAST = (
    "engine/test_fair_queue",
    "engine/test_look_times",
    "service/test_config_reload",
    "service/test_hot_swap",
    "service/test_outcome_log",
    "service/test_retention",
    "service/test_sender_monitor",
)


# What takes longest, most of it waiting for what other tests do not need, the longest first. At the
# end a job would be left alone with it.
LONGEST = (
    "test_dockerfile",
    "reliability/test_matrix",
    "service/test_docs",
    "chaos",
    "reliability",
    "service",
    "cluster",
    "engine",
    "worker",
    "ledger",
    "test_",
    "web",
)


def pytest_addoption(parser: pytest.Parser) -> None:
    """Add --quick."""
    quick = "leave out slow tests and PostgreSQL, and try fewer examples of each property"
    parser.addoption("--quick", action="store_true", help=quick)


def pytest_configure(config: pytest.Config) -> None:
    """Choose how many examples hypothesis tries."""
    if config.getoption("--quick"):
        hypothesis.settings.load_profile("quick")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """Say on which databases a test runs."""
    if "database" not in metafunc.fixturenames:
        return
    marker = metafunc.definition.get_closest_marker("on")
    usual = DATABASES if _path_of(metafunc.definition).startswith(ON_BOTH) else DATABASES[:1]
    metafunc.parametrize("database", marker.args if marker else usual, indirect=True)


def _path_of(item: pytest.Item) -> str:
    return str(item.path.relative_to(Path(__file__).parent))


def _is_slow(item: pytest.Item) -> bool:
    databases = getattr(item, "callspec", None)
    on_server = databases is not None and databases.params.get("database") == "postgresql"
    path = _path_of(item)
    return on_server or (path.startswith(SLOW) and not path.startswith(FAST))


def _rank(item: pytest.Item) -> int:
    path = _path_of(item)
    ranks = (rank for rank, name in enumerate(LONGEST) if path.startswith(name))
    return next(ranks, len(LONGEST))


@pytest.hookimpl(wrapper=True)
def pytest_collection() -> Generator[None, object, object]:
    """Collect no garbage meanwhile: nearly all that is made stays."""
    gc.disable()
    try:
        return (yield)
    finally:
        gc.enable()


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """Begin with what takes longest."""
    if config.getoption("--quick"):
        config.hook.pytest_deselected(items=[item for item in items if _is_slow(item)])
        items[:] = [item for item in items if not _is_slow(item)]
    items.sort(key=_rank)


def pytest_collection_finish() -> None:
    """Spare the garbage collector what lives until the end: modules, and thousands of tests."""
    gc.collect()
    gc.freeze()


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
