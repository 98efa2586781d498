"""The command `serve`: gunicorn, with the settings that come with swrhook."""

import os
import sys
from pathlib import Path

import click

from swrhook.cli.terminal import examples

ROOT = Path(__file__).parents[2]


@click.command(epilog=examples("SWRHOOK_BIND=0.0.0.0:8080 python -m swrhook serve"))
def serve() -> None:
    """Serve HTTP and work, with ./swrhook.yaml.

    The environment says the rest: SWRHOOK_CONFIG, SWRHOOK_DATABASE_URL, SWRHOOK_WORKERS,
    SWRHOOK_BIND, SWRHOOK_LOG_FORMAT, SWRHOOK_LOG_LEVEL. SIGTERM and Ctrl-C finish what is in
    flight.
    """
    settings = str(ROOT / "gunicorn.conf.py")
    gunicorn = ["-m", "gunicorn", "-c", settings, "--pythonpath", str(ROOT), "wsgi:app"]
    # gunicorn takes over this process: signals reach it, and the working folder stays.
    os.execv(sys.executable, [sys.executable, *gunicorn])  # noqa: S606  # no shell wanted


@click.command(
    epilog=examples("SWRHOOK_WORKERS=16 SWRHOOK_METRICS_BIND=0.0.0.0:8081 python -m swrhook worker")
)
def worker() -> None:
    """Work on what others record, on PostgreSQL; serves no deliveries.

    SWRHOOK_WORKERS says with how many threads, SWRHOOK_METRICS_BIND where it shows its health and
    its metrics; the rest is as for `serve`. SIGTERM and Ctrl-C finish what is in flight.
    """
    # It takes over this process: signals reach it, and the working folder stays.
    os.execv(sys.executable, [sys.executable, str(ROOT / "app.py"), "worker"])  # noqa: S606  # no shell wanted
