"""Breaks every part of the system many times, and counts what is lost: `make chaos`.

The seed decides which faults occur and what senders send; SEED=N repeats a run. The timing depends
on the machine.
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

from tests.chaos.result import Result
from tests.chaos.scenarios import SCENARIOS, play

_COLUMNS = (
    "scenario",
    "seed",
    "faults",
    "acknowledged",
    "failed tries",
    "pushes",
    "tags",
    "lost",
    "stuck",
    "wrong",
    "accepted twice",
    "behind",
    "retried",
    "calls per push",
    "seconds",
)


def main() -> None:
    """Run the scenarios, and print the table for docs/chaos.md."""
    options = _parse_options()
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends its processes, too
    console = Console(stderr=True)
    rows, broken = [], []
    for scenario in (entry for entry in SCENARIOS if options.only in entry.name):
        faults = options.faults or (scenario.short if options.short else scenario.full)
        console.print(f"{scenario.name}: {faults} faults, seed {options.seed}")
        started = time.monotonic()
        try:
            with tempfile.TemporaryDirectory(prefix="swrhook-chaos-") as folder:
                result = play(scenario, options.seed, faults, Path(folder))
        except (Exception, pytest.fail.Exception) as exc:  # noqa: BLE001  # the other scenarios still run
            console.print_exception()
            broken.append(f"{scenario.name}: {exc!r}")
            continue
        took = time.monotonic() - started
        rows.append((scenario.name, str(options.seed), str(faults), *_figures(result, took)))
        broken += [
            f"{scenario.name}: {promise}"
            for promise in result.broken_promises(may_fail=scenario.may_fail)
        ]
    _print(rows)
    for line in broken:
        console.print(line, style="red")
    sys.exit(1 if broken else 0)


def _parse_options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seed", type=int, default=int(time.time()), help="repeat a run")
    parser.add_argument("--only", default="", help="scenarios with this in their name")
    parser.add_argument("--short", action="store_true", help="as few faults as in the test suite")
    parser.add_argument("--faults", type=int, default=0, help="so many, whatever the scenario")
    return parser.parse_args()


def _figures(result: Result, seconds: float) -> Sequence[str]:
    counts = (
        result.acknowledged,
        result.failed,
        result.pushes,
        result.tags,
        *map(len, (result.lost, result.stuck, result.wrong, result.accepted_twice, result.behind)),
        result.retried,
    )
    return (*map(str, counts), f"{result.calls_per_push:.2f}", f"{seconds:.0f}")


def _print(rows: Sequence[Sequence[str]]) -> None:
    for row in (_COLUMNS, ["---"] * len(_COLUMNS), *rows):
        print(f"| {' | '.join(row)} |")  # noqa: T201  # the output of the command


if __name__ == "__main__":
    main()
