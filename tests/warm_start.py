"""Starts our programs as forks of a process that has imported them already.

What is started is a process like any other, with an id, an environment, a working directory and an
output of its own. It saves the second of processor time that imports take, and the fingerprint that
every service computes at its start. What tests the start itself, or depends on what Python or a
library reads when it is imported, starts Python instead.
"""

import gc
import multiprocessing
import os
import runpy
import signal
import sys
from collections.abc import Mapping, Sequence
from contextlib import chdir
from multiprocessing.connection import Connection
from pathlib import Path
from subprocess import TimeoutExpired

_CONTEXT = multiprocessing.get_context("forkserver")
# Not gunicorn_settings and wsgi: these read the environment when they are imported.
_CONTEXT.set_forkserver_preload(
    [
        "tests.warm_start",
        "gunicorn.app.wsgiapp",
        "swrhook.cli.processes",
        "swrhook.process",
        "swrhook.service.gunicorn_workers",
        "swrhook.service.gunicorn_log",
        "tests.warm_credential",
    ]
)


class WarmProcess:
    """`python -m MODULE ARGUMENTS`, with the methods of subprocess.Popen that tests use."""

    def __init__(
        self, command: Sequence[str], cwd: Path, environ: Mapping[str, str], log: Path
    ) -> None:
        """Start it as the leader of a process group; its output is appended to the log."""
        started, child = _CONTEXT.Pipe(duplex=False)
        arguments = (command, cwd, dict(environ), log, child)
        self._process = _CONTEXT.Process(target=_run, args=arguments, daemon=True)
        with chdir(cwd):  # the first one starts the process that imports
            self._process.start()
        child.close()
        started.recv()
        started.close()

    @property
    def pid(self) -> int:
        assert self._process.pid is not None
        return self._process.pid

    def poll(self) -> int | None:
        return self._process.exitcode

    def wait(self, timeout: float | None = None) -> int:
        self._process.join(timeout)
        if self._process.exitcode is None:
            raise TimeoutExpired(str(self._process.name), timeout or 0)
        return self._process.exitcode

    def send_signal(self, number: int) -> None:
        if self.poll() is None:
            os.kill(self.pid, number)

    def terminate(self) -> None:
        self.send_signal(signal.SIGTERM)


def _run(
    command: Sequence[str],
    cwd: Path,
    environ: Mapping[str, str],
    log: Path,
    started: Connection,
) -> None:
    gc.freeze()  # as after the service's own start: what is imported is never looked at again
    os.setsid()
    with log.open("ab") as file:
        os.dup2(file.fileno(), 1)
        os.dup2(file.fileno(), 2)
    os.environ.clear()
    os.environ.update(environ)
    os.chdir(cwd)
    started.send(None)
    started.close()
    module, *rest = command
    sys.argv = [module, *rest]
    runpy.run_module(module, run_name="__main__", alter_sys=True)
