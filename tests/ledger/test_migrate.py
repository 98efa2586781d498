"""Upgrade a ledger with its rows; refuse an unknown revision."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from hashlib import sha256
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from click.testing import CliRunner, Result
from sqlalchemy import Connection, create_engine, text

from swrhook.cli import main
from swrhook.errors import LedgerUnusable
from swrhook.ledger import migrate
from swrhook.ledger.database import open_database, schema_of
from swrhook.model import Outcome
from tests.conftest import DATABASES
from tests.factories import entry, push, write
from tests.ledger.revisions import alembic, make
from tests.postgresql import new_database

Db = Callable[[str], Result]


REVISIONS = [script.revision for script in ScriptDirectory.from_config(alembic()).walk_revisions()]
HEAD = REVISIONS[0]
FIRST = REVISIONS[-1]
NEXT = "v1_9999"
NEXT_REVISION = f"""
import sqlalchemy as sa
from alembic import op

revision = "{NEXT}"
down_revision = "{HEAD}"
oldest_program = "{HEAD}"


def upgrade() -> None:
    op.add_column("deliveries", sa.Column("added", sa.Text(), nullable=True))
"""
DELIVERY = (
    "INSERT INTO deliveries (id, sender, dialect, outcome, received_at, headers, rules_version)"
    " VALUES ('01', 'harbor', 'harbor', 'ignored', 1, '{}', '0123')"
)


@pytest.fixture(params=DATABASES)
def url(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[str]:
    """The URL of a ledger that is not there yet."""
    if request.param == "sqlite":
        yield f"sqlite:///{tmp_path}/ledger.db"
        return
    with new_database() as on_server:
        yield on_server


@pytest.fixture
def db(url: str) -> Db:
    return lambda name: CliRunner().invoke(main, ["db", name], env={"SWRHOOK_DATABASE_URL": url})


@pytest.fixture
def next_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Make this program one that wants a later revision, with one column more."""
    folder = tmp_path / "migrations"
    shutil.copytree(migrate.MIGRATIONS, folder)
    (folder / "versions" / "v1_9999_next.py").write_text(NEXT_REVISION)
    monkeypatch.setattr(migrate, "MIGRATIONS", folder)


# A revision is never changed once it has landed: ledgers of it exist.
FROZEN = {
    "v1_0001": "8266b9ad511b2dc0e9ad6fd1c1ca536b7fab2f6dc0855139c2af1544219510d3",
    "v1_0002": "3b9aa66714b18ce0ac0aff752556a8d83674db1bb4ee2847d77a4914ef798904",
    "v1_0003": "2e4ebc473d55d3a8f5cc4bb11ba59bb5b95847e9311b004c7455bc8681dc50ce",
    "v1_0004": "a78b5af115427be067d6fcabe4c34ac5924154eeaec26b4d3013da2a864462b2",
    "v1_0005": "bcf670c344cb09f1d8774d63b942139feae3a6cc77a649b9cf3b61f0737522e7",
    "v1_0006": "671f12936bbd5ad468ea43b1acc3c8361cdec6bc5c13c5bef1e135d021336061",
    "v1_0007": "79673d8270aa633685239fef6b08754c91f96e95560d7a09f9b46c386713a87f",
    "v1_0008": "8c28ceae2291c3a520c575d972b22024de3072767290827efa67b4cf4e8b5580",
    "v1_0009": "870a691b519a4e63542ec62f48994686e5e374d48a754a3072bbe87966057891",
    "v1_0010": "82a1c403cef1fe9addad2ebc8f97554a67096af0ac608db0a1949f7d19d9a251",
    "v1_0011": "2db524b83a8b1903f19b216613bdb57b65789aee13626997353f7f0545ddaefa",
    "v1_0012": "e84e4a9b2b2d726ee03ea9192c331494535ae11a455bd38b69c48777b22cf69b",
    "v1_0013": "fac822b4dc156a030613b61a35c90c5331e50dd107c98c4aa06fe19a52a5ff05",
    "v1_0014": "939923f435c22abd530fa0f20ed5117fe1232863c99785f4995a776d57caf6a1",
    "v1_0015": "a856745557cb22ec31ba52e5de40966cf01a60c692db3188e7104c7882349afb",
}


def test_no_revision_is_changed() -> None:
    scripts = ScriptDirectory.from_config(alembic()).walk_revisions()
    hashes = {script.revision: sha256(Path(script.path).read_bytes()) for script in scripts}

    assert {name: digest.hexdigest() for name, digest in hashes.items()} == FROZEN


def test_the_revisions_are_those_of_alembic_in_their_order() -> None:
    scripts = ScriptDirectory.from_config(alembic()).walk_revisions()
    oldest = {script.revision: script.module.oldest_program for script in scripts}

    assert list(migrate.revisions().items()) == list(reversed(oldest.items()))


def test_programs_of_a_revision_run_and_start_beside_the_next_one(
    url: str, db: Db, next_revision: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A rollout, and back: both revisions write to one ledger, in turn."""
    del next_revision
    upgraded = migrate.MIGRATIONS
    monkeypatch.undo()
    running = open_database(url)
    receipts = [write(running, entry(push("v1"))).receipts[0].outcome]
    if running.is_sqlite:
        running.close()  # SQLite has one process: the next version starts after this one
    monkeypatch.setattr(migrate, "MIGRATIONS", upgraded)
    later = open_database(url)
    receipts.append(write(later, entry(push("v2"))).receipts[0].outcome)
    if not running.is_sqlite:
        receipts.append(write(running, entry(push("v3"))).receipts[0].outcome)
        running.close()
    later.close()
    monkeypatch.undo()
    again = open_database(url)
    receipts.append(write(again, entry(push("v4"))).receipts[0].outcome)
    again.close()

    assert set(receipts) == {Outcome.ACCEPTED}
    assert schema_of(url).current == NEXT
    checked = db("check")
    assert (checked.exit_code, f"this version ({HEAD}) can use it" in checked.output) == (0, True)


@pytest.mark.parametrize("is_expanded", [True, False])
def test_a_ledger_that_says_it_needs_a_later_program_is_refused(
    url: str, *, is_expanded: bool
) -> None:
    oldest = HEAD if is_expanded else "v9_0000"
    versions = f"INSERT INTO schema_versions (id, oldest_program) VALUES (1, '{oldest}')"
    make(url, "head", versions, "UPDATE alembic_version SET version_num = 'v9_0001'")

    if is_expanded:
        open_database(url).close()
        return
    with pytest.raises(LedgerUnusable, match="revision v9_0001, which this version does not know"):
        open_database(url)


@pytest.mark.parametrize("revision", REVISIONS)
@pytest.mark.usefixtures("next_revision")
def test_a_start_upgrades_a_ledger_of(url: str, revision: str) -> None:
    make(url, revision, DELIVERY)

    database = open_database(url)
    with database.read() as connection:
        rows = [tuple(row) for row in connection.execute(text("SELECT id, added FROM deliveries"))]
    database.close()

    assert rows == [("01", None)]
    assert schema_of(url).current == NEXT


def test_a_ledger_from_before_the_first_release_is_refused_everywhere(url: str, db: Db) -> None:
    make(url, "head", "UPDATE alembic_version SET version_num = '0011'")

    with pytest.raises(LedgerUnusable, match=r"revision 0011, from before version 0\.1\.0"):
        open_database(url)
    for name in ("upgrade", "check"):
        result = db(name)
        assert (result.exit_code, "move the ledger away" in result.output) == (1, True)


def test_a_newer_schema_is_refused_everywhere(url: str, db: Db) -> None:
    make(url, "head", "UPDATE alembic_version SET version_num = 'v9_0001'")

    with pytest.raises(LedgerUnusable, match="revision v9_0001, which this version does not know"):
        open_database(url)
    for name in ("upgrade", "check"):
        result = db(name)
        assert (result.exit_code, "run the version of swrhook" in result.output) == (1, True)


@pytest.mark.usefixtures("next_revision")
def test_db_check_says_what_to_do_and_db_upgrade_does_it(url: str, db: Db) -> None:
    make(url, FIRST)

    checked = db("check")
    assert checked.exit_code == 1
    assert (
        f"the ledger's schema is at revision {FIRST}, this version requires {NEXT}: run "
        "`python -m swrhook db upgrade`, or start the service, which does the same\n"
    ) == checked.output
    assert _told(db("upgrade")) == (0, f"the ledger's schema is at revision {NEXT}\n")
    assert _told(db("check")) == (0, f"the ledger's schema is at revision {NEXT}, as required\n")


def test_db_check_makes_no_ledger(tmp_path: Path) -> None:
    file = tmp_path / "ledger.db"

    environ = {"SWRHOOK_DATABASE_URL": f"sqlite:///{file}"}
    result = CliRunner().invoke(main, ["db", "check"], env=environ)

    message = f"there is no ledger {file} yet: starting the service creates it"
    assert _told(result) == (1, f"Error: {message}\n")
    assert not file.exists()


def _told(result: Result) -> tuple[int, str]:
    return result.exit_code, result.output


def test_processes_that_start_together_upgrade_one_after_the_other() -> None:
    with new_database() as url, held(url) as other, ThreadPoolExecutor() as pool:
        waiting = pool.submit(open_database, url)
        while not other.scalar(text("SELECT count(*) FROM pg_locks WHERE NOT granted")):
            assert not waiting.done()
        other.commit()

        waiting.result().close()
        assert schema_of(url).current == HEAD


def test_a_start_does_not_wait_forever_for_another_upgrade(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(migrate, "PATIENCE", 1)

    with (
        new_database() as url,
        held(url),
        pytest.raises(LedgerUnusable, match="another process has been upgrading the ledger"),
    ):
        open_database(url)


@contextmanager
def held(url: str) -> Iterator[Connection]:
    """Do what a process does that upgrades the ledger, for as long as the transaction lasts."""
    engine = create_engine(url)
    with engine.connect() as connection:
        connection.execute(text(f"SELECT pg_advisory_xact_lock({0x73777268})"))
        yield connection
    engine.dispose()
