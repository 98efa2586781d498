"""A private PostgreSQL server that can be stopped, crashed and disconnected."""

import os
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import psycopg
import pytest

from tests.programs import PATIENCE, free_port

_USER = "postgres"
# Debian does not add PostgreSQL's folder to the path.
_FOLDERS = sorted(str(path) for path in Path("/usr/lib/postgresql").glob("*/bin"))


def is_installed() -> bool:
    """Tell whether PostgreSQL's programs are installed."""
    return shutil.which("initdb", path=":".join(_FOLDERS)) is not None


needs_server = pytest.mark.skipif(not is_installed(), reason="not installed: postgresql")


class Server:
    """A database cluster in its own folder, on a free port."""

    def __init__(self) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="swrhook-chaos-"))
        self._port = free_port()
        self._process: subprocess.Popen[bytes] | None = None
        shutil.chown(self._folder, _USER)
        data = str(self._folder / "data")
        command = _command("initdb", "--auth=trust", "--no-sync", "--pgdata", data)
        subprocess.run(command, user=_USER, cwd="/", check=True, capture_output=True)

    @property
    def url(self) -> str:
        return f"postgresql+psycopg://{_USER}@127.0.0.1:{self._port}/{_USER}"

    @property
    def pid(self) -> int | None:
        return None if self._process is None else self._process.pid

    def start(self) -> None:
        data, port = str(self._folder / "data"), str(self._port)
        # What the server has written survives its crash in any case: the machine does not crash.
        options = ("-p", port, "-k", str(self._folder), "-c", "fsync=off")
        command = _command("postgres", "-D", data, *options)
        with (self._folder / "log").open("ab") as log:
            self._process = subprocess.Popen(
                command, user=_USER, cwd="/", stdout=log, stderr=log, start_new_session=True
            )
        self._wait_until_ready()

    def _wait_until_ready(self) -> None:
        assert self._process is not None
        address = ("-h", "127.0.0.1", "-p", str(self._port))
        ready = _command("pg_isready", "-q", *address, "-t", "1")
        while subprocess.run(ready, check=False).returncode:
            assert self._process.poll() is None, (self._folder / "log").read_text()

    def restart(self) -> None:
        """End every session and start again at once."""
        self.stop(signal.SIGINT)
        self.start()

    def stop(self, how: signal.Signals = signal.SIGQUIT) -> None:
        """Stop the server; SIGQUIT is a crash, which the next start must recover from."""
        assert self._process is not None
        self._process.send_signal(how)
        self._process.wait(2 * PATIENCE)

    def pause(self) -> None:
        """Stop every process of it, like a machine that hangs: its kernel still acknowledges."""
        self._signal_all(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on, and wait until it answers."""
        self._signal_all(signal.SIGCONT)
        self._wait_until_ready()

    def _signal_all(self, number: signal.Signals) -> None:
        assert self._process is not None
        # The postmaster first, so that it starts no more processes.
        os.kill(pid := self._process.pid, number)
        if number == signal.SIGSTOP:
            _wait_until_stopped(pid)
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            with suppress(ProcessLookupError):  # it has ended meanwhile
                os.kill(int(child), number)

    def cut(self) -> None:
        """End every other session, as a network failure does."""
        address = self.url.replace("+psycopg", "")
        with psycopg.connect(address, autocommit=True) as connection:
            connection.execute(
                "SELECT pg_terminate_backend(pid) FROM pg_stat_activity"
                " WHERE backend_type = 'client backend' AND pid <> pg_backend_pid()"
            )

    def close(self) -> None:
        if self._process is not None and self._process.poll() is None:
            self._signal_all(signal.SIGCONT)
            self.stop()
        shutil.rmtree(self._folder)


def _wait_until_stopped(pid: int) -> None:
    """A signal is obeyed some time after it was sent; until then, a process may fork."""
    while Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "T":
        time.sleep(0.001)


def _command(program: str, *arguments: str) -> Sequence[str]:
    path = shutil.which(program, path=":".join(_FOLDERS))
    assert path is not None, f"not installed: {program}"
    return (path, *arguments)
