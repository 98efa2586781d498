"""The command `worker`: a process that works on lanes and takes no deliveries."""

import os
import sys

import click

from swrhook.cli.examples import examples
from swrhook.cli.serve import ROOT


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
