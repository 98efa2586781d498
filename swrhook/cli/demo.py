"""The command `demo`: shows how pushes become verified tags."""

import signal
import sys
import time
from collections import Counter
from datetime import datetime
from typing import Any

import click
from rich.box import SIMPLE_HEAD
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Column, Table

from swrhook.cli.terminal import print_notice
from swrhook.demo.scene import EXPECTED, requests_to_send
from swrhook.demo.stage import DemoFailed, Stage, set_up

# Seconds: until all syncs have ended, and between two polls of them.
PATIENCE = 60.0
PAUSE = 0.2
OPEN = ("pending", "calling", "triggered")
_STYLES = {"verified": "green", "pending": "yellow", "calling": "yellow", "triggered": "cyan"}


@click.command(epilog="\b\nExamples:\n  python -m swrhook demo --once")
@click.option(
    "--port",
    type=click.IntRange(1, 65535),
    help="The port of the service; by default 8080, or a free one if that is in use.",
)
@click.option(
    "--once", is_flag=True, help="Exit when done; exit code 1 unless every sync is verified."
)
def demo(*, port: int | None, once: bool) -> None:
    """Run a demonstration: simulator, service, deliveries from several senders, all outcomes."""
    console = Console()
    # SIGTERM ends the demonstration like Ctrl-C, so that its service ends too.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        console.print("Starting IAM, three SWR regions (simulated) and the service …")
        with set_up(port) as stage:
            _deliver(console, stage)
            stage.bring_late_images()
            syncs = _wait_for_syncs(console, stage)
            console.print(_outcome_table(syncs))
            verified = Counter(sync["state"] for sync in syncs)["verified"]
            console.print(f"{verified} of {EXPECTED} syncs are verified.")
            if once:
                sys.exit(0 if verified == EXPECTED == len(syncs) else 1)
            _stay_open(console, stage)
    except DemoFailed as exc:
        print_notice(f"The demonstration failed: {exc}")
        sys.exit(1)
    except KeyboardInterrupt:
        console.print("\nStopped; all temporary files are removed.")


def _deliver(console: Console, stage: Stage) -> None:
    columns = [
        Column(heading, overflow="fold") for heading in ("event", "answer", "syncs", "reason")
    ]
    table = Table(*columns, title="Deliveries and answers", box=SIMPLE_HEAD)
    for request in requests_to_send():
        status, answer = stage.deliver(request)
        syncs = str(len(answer.get("syncs", [])))
        outcome = answer.get("outcome", answer.get("title"))
        table.add_row(request.title, f"{status} {outcome}", syncs, answer.get("reason") or "")
    console.print(table)


def _wait_for_syncs(console: Console, stage: Stage) -> list[dict[str, Any]]:
    """Show progress until no sync is open or PATIENCE has passed; return all syncs."""
    deadline = time.monotonic() + PATIENCE
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with Progress(*columns, TimeElapsedColumn(), console=console) as progress:
        task = progress.add_task("verified at the target", total=EXPECTED)
        while True:
            syncs = stage.syncs()
            states = Counter(sync["state"] for sync in syncs)
            progress.update(task, completed=states["verified"])
            if time.monotonic() > deadline or not any(states[state] for state in OPEN):
                return syncs
            time.sleep(PAUSE)


def _outcome_table(syncs: list[dict[str, Any]]) -> Table:
    """Return a table of states and durations: a row for each image, a column for each region."""
    regions = sorted({sync["target_region"] for sync in syncs})
    cells: dict[str, dict[str, str]] = {}
    for sync in syncs:
        image = f"{sync['namespace']}/{sync['repository']}:{sync['tag']}"
        cells.setdefault(image, {})[sync["target_region"]] = _cell(sync)
    table = Table("image", *regions, title="State of each tag", box=SIMPLE_HEAD)
    table.caption = "verified: the target has the tag with the source's digest"
    for image, by_region in cells.items():
        table.add_row(image, *(by_region.get(region, "-") for region in regions))
    return table


def _cell(sync: dict[str, Any]) -> str:
    style = _STYLES.get(sync["state"], "red")
    state = f"[{style}]{sync['state']}[/{style}]"
    if sync["verified_at"] is None:
        return f"{state}: {sync['reason'] or ''}"
    took = datetime.fromisoformat(sync["verified_at"]) - datetime.fromisoformat(sync["created_at"])
    return f"{state} in {took.total_seconds():.1f} s"


def _stay_open(console: Console, stage: Stage) -> None:
    console.print(
        f"""
The service runs until Ctrl-C. Open the dashboard:

  {stage.url}/
  sign in with the token {stage.token}

In another terminal, try:

  export SWRHOOK_URL={stage.url} SWRHOOK_TOKEN={stage.token}
  .venv/bin/python -m swrhook syncs
  curl -H "Authorization: Bearer $SWRHOOK_TOKEN" "$SWRHOOK_URL/api/v1/syncs?state=verified"
  curl "$SWRHOOK_URL/readyz"

Its configuration, ledger and log are in {stage.folder},
the simulator's IAM is at {stage.swr.iam_url}.""",
        highlight=False,
        soft_wrap=True,
    )
    stage.process.wait()
    raise DemoFailed("the service stopped unexpectedly")
