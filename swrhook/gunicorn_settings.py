"""gunicorn's settings: `gunicorn --config python:swrhook.gunicorn_settings swrhook.wsgi:app`."""

import gc
import os
import shutil
import sys
from tempfile import mkdtemp
from typing import Any

from swrhook import logs
from swrhook.errors import BadConfiguration
from swrhook.service.file_descriptors import connections_within, raise_limit
from swrhook.settings import Settings, check_processes

try:
    settings = Settings.from_environ(os.environ)
except BadConfiguration as exc:
    sys.exit(f"swrhook cannot start:\n{exc}")

logs.configure(settings.log_format, settings.log_level)

_COUNTERS = "PROMETHEUS_MULTIPROC_DIR"  # prometheus_client's own setting

bind = [settings.bind]
# The number of processes is gunicorn's own WEB_CONCURRENCY, by default 1: see on_starting.
# gthread with a limit for slow requests. On PostgreSQL other processes can take over, so that a
# worker drains before it stops.
worker_class = "swrhook.service.gunicorn_workers." + (
    "TimeoutThreadWorker" if settings.on_sqlite else "DrainingWorker"
)
threads = 32
# On SQLite a new worker waits at its start until the old one has released the ledger.
timeout = 120
# Longer than the longest call of SWR, so that calls in flight are finished and settled.
graceful_timeout = 85
keepalive = 75
# The worker sends what a client does not take at once later, without a thread; files, too.
sendfile = False
worker_connections = connections_within(raise_limit())
# By default gunicorn lets a proxy on this machine set SCRIPT_NAME and PATH_INFO, and with them the
# path of a request that the proxy itself has allowed under another path. The headers that swrhook
# reads from its own trusted_proxies are not among these.
forwarded_allow_ips = ""
forwarder_headers = ""
# Otherwise gunicorn opens a socket in the user's home folder.
control_socket_disable = True
logger_class = "swrhook.service.gunicorn_log.EventLogger"


def on_starting(server: Any) -> None:  # noqa: ANN401  # gunicorn's own types
    """Refuse several processes on SQLite before any is started."""
    try:
        check_processes(settings, server.cfg.workers)
    except BadConfiguration as exc:
        sys.exit(f"swrhook cannot start:\n{exc}")
    if server.cfg.workers > 1:
        # Each process then shows the counters of all at /metrics.
        os.environ[_COUNTERS] = mkdtemp(prefix="swrhook-metrics-")


def post_fork(_server: Any, _worker: Any) -> None:  # noqa: ANN401  # gunicorn's own types
    """Collect no garbage until the worker has started: nearly all that its imports make stays."""
    gc.disable()


def child_exit(_server: Any, worker: Any) -> None:  # noqa: ANN401  # gunicorn's own types
    """Keep the counters of a process that ended, and drop its gauges."""
    if _COUNTERS in os.environ:
        from prometheus_client.multiprocess import mark_process_dead  # noqa: PLC0415  # reads the setting

        mark_process_dead(worker.pid)  # type: ignore[no-untyped-call]


def on_exit(_server: Any) -> None:  # noqa: ANN401  # gunicorn's own types
    """Delete the folder of the counters."""
    if _COUNTERS in os.environ:
        shutil.rmtree(os.environ[_COUNTERS], ignore_errors=True)


def worker_exit(_server: Any, _worker: Any) -> None:  # noqa: ANN401  # gunicorn's own types
    """Finish the calls in flight when gunicorn stops a worker."""
    wsgi = sys.modules.get("swrhook.wsgi")
    if wsgi is not None and hasattr(wsgi, "service"):
        wsgi.service.stop()
