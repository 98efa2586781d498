"""A backup is taken while the service records and works; a service that starts on it goes on."""

import os
import subprocess
import sys
import threading
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest
import requests
from click.testing import CliRunner, Result
from sqlalchemy import make_url

from swrhook import simulator
from swrhook.cli import main
from swrhook.simulator import Fault
from tests.postgresql import new_database
from tests.programs import ROOT, Served, needs
from tests.service.conftest import SOURCE, TARGET

HEADERS = {"Authorization": "Bearer a-secret-of-the-senders"}
TAGS = [f"b{number}" for number in range(40)]


class Sender:
    """Delivers every tag, one after the other; `acknowledged` are those answered with 202."""

    def __init__(self, service: Served) -> None:
        self.acknowledged: list[str] = []
        self.half = threading.Event()
        self._service = service
        self.thread = threading.Thread(target=self._run)

    def _run(self) -> None:
        for number, tag in enumerate(TAGS):
            url = f"{self._service.url}/hooks/ci"
            answer = requests.post(
                url, json={"image": f"team/app:{tag}"}, headers=HEADERS, timeout=20
            )
            if answer.status_code == 202:
                self.acknowledged.append(tag)
            if number == len(TAGS) // 2:
                self.half.set()


@contextmanager
def database(kind: str, folder: Path) -> Iterator[str]:
    """Yield the URL of a ledger that is not there yet."""
    if kind == "sqlite":
        yield f"sqlite:///{folder}/ledger.db"
        return
    with new_database() as url:
        yield url


def copy(source: str, target: str, folder: Path) -> None:
    """Back up a ledger as docs/how-to/back-up-and-restore.md says, and restore it."""
    if source.startswith("sqlite"):
        command = [sys.executable, "-m", "swrhook", "db", "backup", str(make_url(target).database)]
        environ = {**os.environ, "SWRHOOK_DATABASE_URL": source}
        subprocess.run(command, check=True, cwd=ROOT, env=environ)
        return
    plain = [
        make_url(url).set(drivername="postgresql").render_as_string(hide_password=False)
        for url in (source, target)
    ]
    file = folder / "ledger.dump"
    subprocess.run(["pg_dump", "--format=custom", f"--file={file}", plain[0]], check=True)
    subprocess.run(["pg_restore", f"--dbname={plain[1]}", "--no-owner", str(file)], check=True)


@needs("pg_dump", "pg_restore")
@pytest.mark.parametrize("kind", ["sqlite", "postgresql"])
def test_every_tag_acknowledged_before_a_backup_arrives_after_a_restore(
    kind: str, service: Served, swr: simulator.RunningSimulator, tmp_path: Path
) -> None:
    for tag in TAGS:
        swr.state.seed(SOURCE, "team", "app", tag)
    swr.state.faults.add([Fault(SOURCE, "sync_images", delay=0.5)])
    with ExitStack() as stack:
        folder = tmp_path / "restored"
        folder.mkdir()
        ledger = stack.enter_context(database(kind, tmp_path))
        restored = stack.enter_context(database(kind, folder))
        usual = service.environ
        service.environ = {**usual, "SWRHOOK_DATABASE_URL": ledger}
        service.start()
        stack.callback(service.close)

        sender = Sender(service)
        sender.thread.start()
        assert sender.half.wait(60)
        promised = list(sender.acknowledged)
        copy(ledger, restored, tmp_path)
        sender.thread.join(60)
        service.kill()

        service.environ = {**usual, "SWRHOOK_DATABASE_URL": restored}
        service.start()
        verified = {
            sync["tag"] for sync in service.wait_until_ended(len(promised)) if sync["verified_at"]
        }
        service.kill()

    assert sender.acknowledged == TAGS  # nobody waited in vain for the backup
    assert set() == set(promised) - verified
    for tag in promised:
        assert swr.state.digest(SOURCE, "team", "app", tag) == swr.state.digest(
            TARGET, "team", "app", tag
        )


def backup(url: str, file: Path) -> Result:
    environ = {"SWRHOOK_DATABASE_URL": url}
    return CliRunner().invoke(main, ["db", "backup", str(file)], env=environ)


def test_a_backup_overwrites_nothing_and_makes_no_ledger(tmp_path: Path) -> None:
    none, there = tmp_path / "none.db", tmp_path / "there.db"
    there.write_bytes(b"another backup")
    ledger = tmp_path / "ledger.db"
    upgraded = CliRunner().invoke(
        main, ["db", "upgrade"], env={"SWRHOOK_DATABASE_URL": f"sqlite:///{ledger}"}
    )
    assert upgraded.exit_code == 0

    told = [
        backup(f"sqlite:///{none}", tmp_path / "copy.db"),
        backup(f"sqlite:///{ledger}", there),
        backup(f"sqlite:///{ledger}", tmp_path / "no-folder" / "copy.db"),
        backup("postgresql+psycopg://127.0.0.1/ledger", tmp_path / "copy.db"),
    ]

    assert [result.exit_code for result in told] == [1, 1, 1, 1]
    assert f"Error: there is no ledger {none}: nothing to back up\n" == told[0].output
    assert f"Error: {there} already exists: choose a new file\n" == told[1].output
    assert "no-folder/copy.db cannot be written" in told[2].output
    assert "pg_dump" in told[3].output
    assert there.read_bytes() == b"another backup"
    assert {path.name for path in tmp_path.iterdir()} == {"there.db", "ledger.db", "ledger.db.lock"}


def test_only_its_owner_can_read_a_backup(tmp_path: Path) -> None:
    ledger, copied = f"sqlite:///{tmp_path}/ledger.db", tmp_path / "copy.db"
    CliRunner().invoke(main, ["db", "upgrade"], env={"SWRHOOK_DATABASE_URL": ledger})

    assert backup(ledger, copied).exit_code == 0
    assert copied.stat().st_mode & 0o777 == 0o600
