"""A ledger is copied whole to PostgreSQL, and the copy is not used before it is complete."""

import os
import subprocess
import sys
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest
from sqlalchemy import insert, text, update

from swrhook.errors import LedgerUnusable
from swrhook.ledger import transfer
from swrhook.ledger.columns import metadata
from swrhook.ledger.database import Database, open_database
from swrhook.ledger.service_tables import audit, configurations
from swrhook.ledger.tables import deliveries, lanes, syncs
from swrhook.ledger.transfer import TABLES, copy_ledger, count_rows
from tests.factories import all_syncs, entry, everything, push, write
from tests.postgresql import new_database
from tests.programs import ROOT

NOW = datetime(2026, 3, 4, 5, 6, 7, 89, tzinfo=UTC)


@pytest.fixture
def source(tmp_path: Path) -> str:
    """A ledger with some rows of every kind that matters: text, bytes, JSON, times, nulls."""
    url = f"sqlite:///{tmp_path}/ledger.db"
    database = open_database(url)
    for number in range(30):
        write(database, entry(push(f"v{number}", event_id=f"id {number} é")))
    write(database, entry(push("odd", event_id="with \0 in it")))
    with database.write() as connection:
        body = bytes(range(256))
        connection.execute(
            insert(configurations).values(version="0123456789ab", body=body, used_at=NOW)
        )
        connection.execute(update(deliveries).values(body=body, headers={"b": "1", "a": "ü"}))
        connection.execute(update(lanes).values(holder="01KB3Y6Q3Z6B1D8F2G4H5J7K9M", ready=False))
    database.close()
    return url


@pytest.fixture
def target() -> Iterator[str]:
    with new_database() as url:
        yield url


def nothing(_rows: int) -> None:
    """Show no progress."""


def opened(url: str) -> Iterator[Database]:
    database = open_database(url)
    yield database
    database.close()


def test_everything_is_in_the_copy(source: str, target: str) -> None:
    rows = count_rows(source)

    copies = copy_ledger(source, target, nothing)

    assert sum(table.rows for table in copies) == rows
    for original in opened(source):
        for copy in opened(target):
            assert len(all_syncs(copy)) == 31
            assert sorted(map(repr, all_syncs(copy))) == sorted(map(repr, all_syncs(original)))
            both = [sorted(map(repr, everything(each, deliveries))) for each in (copy, original)]
            assert both[0] == both[1]


def test_the_copy_takes_deliveries_and_knows_those_before(source: str, target: str) -> None:
    copy_ledger(source, target, nothing)

    for copy in opened(target):
        known, new = (
            write(copy, entry(push("v7", event_id=event))).receipts[0].outcome
            for event in ("id 7 é", "another")
        )
        assert (known, new) == ("duplicate", "accepted")


def test_the_copy_has_the_statistics_that_make_its_indexes_used(source: str, target: str) -> None:
    copy_ledger(source, target, nothing)

    for copy in opened(target):
        with copy.read() as connection:
            rows = connection.execute(text("SELECT relname, reltuples FROM pg_class")).all()
        counts = {row.relname: row.reltuples for row in rows}
        assert counts["syncs"] == 31
        assert min(counts[table.name] for table in TABLES) >= 0  # -1: never analyzed


def test_every_table_is_copied_but_what_belongs_to_one_database() -> None:
    own = {"ledger_marks", "probes", "schema_versions", "workers"}

    assert {table.name for table in TABLES} == set(metadata.tables) - own


def test_an_interrupted_copy_goes_on_and_nobody_uses_it_before(
    source: str, target: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(transfer, "PORTION", 7)
    copied: list[int] = []

    def fail(rows: int) -> None:
        copied.append(rows)
        if sum(copied) > 60:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_ledger(source, target, fail)
    with pytest.raises(LedgerUnusable, match="run `python -m swrhook db copy` again"):
        open_database(target)
    again: list[int] = []
    copies = copy_ledger(source, target, again.append)

    assert sum(again) == count_rows(source) == sum(table.rows for table in copies)
    assert max(again) >= 30  # what was there already, in one step


def test_a_source_that_has_changed_between_two_tries_is_noticed(source: str, target: str) -> None:
    total, copied = count_rows(source), []

    def fail_at_the_end(rows: int) -> None:
        copied.append(rows)
        if sum(copied) == total:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        copy_ledger(source, target, fail_at_the_end)
    for database in opened(source):
        with database.write() as connection:
            connection.execute(update(syncs).values(reason="another"))
    with pytest.raises(LedgerUnusable, match=r"the table syncs differs: 31 rows of 31, or other"):
        copy_ledger(source, target, nothing)
    with pytest.raises(LedgerUnusable):
        open_database(target)


def test_a_target_with_a_ledger_is_refused(source: str, target: str) -> None:
    for database in opened(target):
        with database.write() as connection:
            connection.execute(
                insert(audit).values(
                    id="01KB3Y6Q3Z6B1D8F2G4H5J7K9M",
                    at=NOW,
                    token="t",
                    role="admin",
                    action="a",
                    status=200,
                )
            )

    with pytest.raises(LedgerUnusable, match="has rows in the table audit: choose an empty one"):
        copy_ledger(source, target, nothing)


def test_a_copy_of_another_ledger_is_refused(source: str, target: str, tmp_path: Path) -> None:
    def fail(rows: int) -> None:
        if rows:
            raise KeyboardInterrupt

    other = f"sqlite:///{tmp_path}/other.db"
    for database in opened(other):
        write(database, entry(push("v1")))
    with pytest.raises(KeyboardInterrupt):
        copy_ledger(other, target, fail)
    with pytest.raises(LedgerUnusable, match="the copy of another ledger has begun"):
        copy_ledger(source, target, nothing)


def test_other_kinds_of_databases_are_refused(source: str, target: str) -> None:
    for pair in ((source, source), (target, source), (target, target)):
        with pytest.raises(LedgerUnusable, match="can be copied from sqlite:///… to postgresql"):
            copy_ledger(*pair, nothing)


def test_the_command_copies_and_says_what_to_do_next(source: str, target: str) -> None:
    done = _command("--from", source, "--to", target)

    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith("to the new ledger, and start the service\n")
    assert done.stdout.startswith(f"copied and compared {len(TABLES)} tables with ")


def test_the_command_refuses_a_ledger_in_use_and_one_that_is_not_there(
    source: str, target: str, tmp_path: Path
) -> None:
    for _ in opened(source):
        in_use = _command("--from", source, "--to", target)
    missing = _command("--from", f"sqlite:///{tmp_path}/missing.db", "--to", target)

    assert (in_use.returncode, missing.returncode) == (1, 1)
    assert "another process uses" in in_use.stderr
    assert "there is no ledger" in missing.stderr
    assert not (tmp_path / "missing.db").exists()


def _command(*arguments: str) -> "subprocess.CompletedProcess[str]":
    command = [sys.executable, "-m", "swrhook", "db", "copy", *arguments]
    environ = {"PATH": os.environ["PATH"]}
    return subprocess.run(
        command, cwd=ROOT, env=environ, capture_output=True, text=True, timeout=120, check=False
    )
