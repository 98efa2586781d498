"""The commands `serve` and `worker`, which run until a signal."""

import os
import sys

from swrhook.cli.options import command
from swrhook.errors import SwrhookError

_SERVER = ("gunicorn", "--config", "python:swrhook.gunicorn_settings", "swrhook.wsgi:app")


@command("SWRHOOK_BIND=0.0.0.0:8080 python -m swrhook serve")
def serve() -> None:
    """Run the service: HTTP server and sync workers.

    It reads ./swrhook.yaml and these environment variables: SWRHOOK_CONFIG, SWRHOOK_DATABASE_URL,
    SWRHOOK_WORKERS, SWRHOOK_BIND, SWRHOOK_LOG_FORMAT, SWRHOOK_LOG_LEVEL. On SIGTERM or Ctrl-C it
    finishes the requests and calls in flight, then stops.
    """
    # gunicorn replaces this process, so that it receives the signals itself.
    os.execv(sys.executable, [sys.executable, "-m", *_SERVER])  # noqa: S606  # no shell


@command("SWRHOOK_WORKERS=16 SWRHOOK_METRICS_BIND=0.0.0.0:8081 python -m swrhook worker")
def worker() -> None:
    """Run sync workers only, on PostgreSQL; receives no deliveries.

    SWRHOOK_WORKERS is the number of threads, SWRHOOK_METRICS_BIND the address of /healthz,
    /readyz and /metrics; the other variables are those of `serve`. On SIGTERM or Ctrl-C it
    finishes the calls in flight, then stops.
    """
    from swrhook.process import run_worker  # noqa: PLC0415  # heavy: not for --help

    try:
        run_worker(os.environ)  # noqa: TID251  # passed on
    except SwrhookError as exc:
        sys.exit(f"swrhook cannot start:\n{exc}")
