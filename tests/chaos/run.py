"""Break everything that can break, many times, and count what is left: `make chaos`.

The seed decides what strikes, and what senders do; SEED=N repeats it. What it meets then depends on
the machine, too.
"""

import argparse
import signal
import sys
import tempfile
import time
from collections.abc import Sequence
from pathlib import Path

import pytest
from rich.console import Console

from tests.chaos.reckoning import Reckoning
from tests.chaos.scenarios import SCENARIOS, play

_COLUMNS = (
    "scenario",
    "seed",
    "strikes",
    "acknowledged",
    "tries that failed",
    "pushes",
    "tags",
    "lost",
    "stuck",
    "wrong",
    "twice",
    "retried",
    "calls per push",
    "seconds",
)


def main() -> None:
    """Play the scenarios, and print the table as it is in docs/chaos.md."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="repeat a run")
    parser.add_argument("--only", default="", help="scenarios with this in their name")
    parser.add_argument("--short", action="store_true", help="as few strikes as in the test suite")
    chosen = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends what it has started, too
    console = Console(stderr=True)
    rows, broken = [], []
    for scenario in (each for each in SCENARIOS if chosen.only in each.name):
        strikes = scenario.short if chosen.short else scenario.full
        console.print(f"{scenario.name}: {strikes} strikes, seed {chosen.seed}")
        started = time.monotonic()
        try:
            with tempfile.TemporaryDirectory(prefix="swrhook-chaos-") as folder:
                reckoning = play(scenario, chosen.seed, strikes, Path(folder))
        except (Exception, pytest.fail.Exception) as exc:  # noqa: BLE001  # the others go on
            console.print_exception()
            broken.append(f"{scenario.name}: {exc!r}")
            continue
        took = time.monotonic() - started
        rows.append((scenario.name, str(chosen.seed), str(strikes), *_figures(reckoning, took)))
        broken += [
            f"{scenario.name}: {each}" for each in reckoning.broken(may_fail=scenario.may_fail)
        ]
    _print(rows)
    for each in broken:
        console.print(each, style="red")
    sys.exit(1 if broken else 0)


def _figures(reckoning: Reckoning, seconds: float) -> Sequence[str]:
    counts = (
        reckoning.acknowledged,
        reckoning.failed,
        reckoning.pushes,
        reckoning.tags,
        *(len(each) for each in (reckoning.lost, reckoning.stuck, reckoning.wrong)),
        len(reckoning.twice),
        reckoning.retried,
    )
    return (*map(str, counts), f"{reckoning.calls_per_push:.2f}", f"{seconds:.0f}")


def _print(rows: Sequence[Sequence[str]]) -> None:
    for row in (_COLUMNS, ["---"] * len(_COLUMNS), *rows):
        print(f"| {' | '.join(row)} |")  # noqa: T201  # what the command is for


if __name__ == "__main__":
    main()
