"""The commands `serve` and `worker`: each replaces this process with a long-running one."""

import os
import sys
from pathlib import Path

from swrhook.cli.options import command

ROOT = Path(__file__).parents[2]


@command("SWRHOOK_BIND=0.0.0.0:8080 python -m swrhook serve")
def serve() -> None:
    """Run the service: HTTP server and sync workers.

    It reads ./swrhook.yaml and these environment variables: SWRHOOK_CONFIG, SWRHOOK_DATABASE_URL,
    SWRHOOK_WORKERS, SWRHOOK_BIND, SWRHOOK_LOG_FORMAT, SWRHOOK_LOG_LEVEL. On SIGTERM or Ctrl-C it
    finishes the requests and calls in flight, then stops.
    """
    settings = str(ROOT / "gunicorn.conf.py")
    _replace_process("-m", "gunicorn", "-c", settings, "--pythonpath", str(ROOT), "wsgi:app")


@command("SWRHOOK_WORKERS=16 SWRHOOK_METRICS_BIND=0.0.0.0:8081 python -m swrhook worker")
def worker() -> None:
    """Run sync workers only, on PostgreSQL; receives no deliveries.

    SWRHOOK_WORKERS is the number of threads, SWRHOOK_METRICS_BIND the address of /healthz,
    /readyz and /metrics; the other variables are those of `serve`. On SIGTERM or Ctrl-C it
    finishes the calls in flight, then stops.
    """
    _replace_process(str(ROOT / "app.py"), "worker")


def _replace_process(*arguments: str) -> None:
    """Run Python with these arguments as this very process: it receives the signals itself."""
    os.execv(sys.executable, [sys.executable, *arguments])  # noqa: S606  # no shell
