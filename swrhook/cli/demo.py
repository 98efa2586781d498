"""The command `demo`: shows how pushes become verified tags."""

import signal
import sys
import time
from collections import Counter
from datetime import datetime
from typing import Any

import click
from rich.console import Console

from swrhook.cli.syncs import image_of
from swrhook.cli.tables import Column, print_table
from swrhook.cli.terminal import print_notice, progress_bar
from swrhook.demo.scene import EXPECTED, requests_to_send
from swrhook.demo.stage import DemoFailed, Stage, set_up

# Seconds: until all syncs have ended, and between two polls of them.
PATIENCE = 60.0
PAUSE = 0.2
OPEN = ("pending", "calling", "triggered")


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
            syncs = _wait_for_syncs(stage)
            _print_outcomes(console, syncs)
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
    answers = []
    for request in requests_to_send():
        status, answer = stage.deliver(request)
        answers.append(
            {
                "event": request.title,
                "answer": f"{status} {answer.get('outcome', answer.get('title'))}",
                "syncs": str(len(answer.get("syncs", []))),
                "reason": answer.get("reason") or "",
            }
        )
    console.print("\nDeliveries and answers\n")
    print_table([Column(heading) for heading in answers[0]], answers)


def _wait_for_syncs(stage: Stage) -> list[dict[str, Any]]:
    """Show progress until no sync is open or PATIENCE has passed; return all syncs."""
    deadline = time.monotonic() + PATIENCE
    with progress_bar("Verified at the target", EXPECTED) as progress:
        while True:
            syncs = stage.syncs()
            states = Counter(sync["state"] for sync in syncs)
            progress.complete(states["verified"])
            if time.monotonic() > deadline or not any(states[state] for state in OPEN):
                return syncs
            time.sleep(PAUSE)


def _print_outcomes(console: Console, syncs: list[dict[str, Any]]) -> None:
    """Print states and durations: a row for each image, a column for each region."""
    regions = sorted({sync["target_region"] for sync in syncs})
    rows: dict[str, dict[str, str]] = {}
    for sync in syncs:
        image = image_of(sync)
        row = rows.setdefault(image, {"image": image, **dict.fromkeys(regions, "-")})
        row[sync["target_region"]] = _describe_outcome(sync)
    console.print("\nState of each tag (verified: the target has it with the source's digest)\n")
    columns = [Column("image"), *(Column(region, styled=True) for region in regions)]
    print_table(columns, [*rows.values()])
    console.print()


def _describe_outcome(sync: dict[str, Any]) -> str:
    if sync["verified_at"] is None:
        return f"{sync['state']}: {sync['reason'] or ''}"
    took = datetime.fromisoformat(sync["verified_at"]) - datetime.fromisoformat(sync["created_at"])
    return f"{sync['state']} in {took.total_seconds():.1f} s"


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
