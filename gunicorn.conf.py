"""gunicorn's settings, read from the working folder: `gunicorn wsgi:app` needs nothing else."""

import os
import shutil
import sys
from tempfile import mkdtemp
from typing import Any

from swrhook.errors import BadConfiguration
from swrhook.settings import Settings, check_processes

try:
    settings = Settings.from_environ(os.environ)
except BadConfiguration as exc:
    sys.exit(f"swrhook cannot start:\n{exc}")

_COUNTERS = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's own setting

bind = [settings.bind]
# How many processes is gunicorn's own WEB_CONCURRENCY, 1 if not set: see on_starting.
# gthread, with an end to patience; where others can take over, it drains before it stops.
worker_class = "swrhook.service.gunicorn_workers." + (
    "TimeoutThreadWorker" if settings.on_sqlite else "DrainingWorker"
)
threads = 32
# A new worker waits in its start until the one before it has let go of the ledger.
timeout = 120
# Longer than the longest call of SWR, so that what is in flight is finished and settled.
graceful_timeout = 85
keepalive = 75
# It would open a socket in the user's home folder.
control_socket_disable = True


def on_starting(server: Any) -> None:  # noqa: ANN401  # gunicorn's own types
    """Refuse several processes on SQLite, before any is started."""
    try:
        check_processes(settings, server.cfg.workers)
    except BadConfiguration as exc:
        sys.exit(f"swrhook cannot start:\n{exc}")
    if server.cfg.workers > 1:
        # Whichever process is asked for /metrics, it shows the counters of all.
        os.environ[_COUNTERS] = mkdtemp(prefix="swrhook-metrics-")


def child_exit(_server: Any, worker: Any) -> None:  # noqa: ANN401  # gunicorn's own types
    """Keep the counters of a process that ended, and forget what was true while it lived."""
    if _COUNTERS in os.environ:
        from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415  # by now set

        mark_process_dead(worker.pid)


def on_exit(_server: Any) -> None:  # noqa: ANN401  # gunicorn's own types
    """Leave nothing behind."""
    if _COUNTERS in os.environ:
        shutil.rmtree(os.environ[_COUNTERS], ignore_errors=True)


def worker_exit(_server: Any, _worker: Any) -> None:  # noqa: ANN401  # gunicorn's own types
    """Finish what is in flight when gunicorn ends its worker."""
    wsgi = sys.modules.get("wsgi")
    if wsgi is not None and hasattr(wsgi, "service"):
        wsgi.service.stop()
