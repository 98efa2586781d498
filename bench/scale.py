"""Measures swrhook with 10,000 lanes, 300,000 open syncs and 40,000 tags in a delivery.

`make scale` starts real processes and a stand-in for SWR, and measures from outside, on SQLite or
with --postgresql on a PostgreSQL of its own. With --root it measures the code in another folder.
"""

import argparse
import signal
from pathlib import Path

from bench import figures, masses, waiting
from bench.scenery import make_plan
from tests.programs import ROOT

PARTS = {
    "waiting": waiting.measure,
    "drain": masses.measure_drain,
    "outage": masses.measure_outage,
    "delivery": masses.measure_big_delivery,
}


def main() -> None:
    """Run the parts and print the table; a run of all of them is written into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("parts", nargs="*", metavar="PART", help=f"of {', '.join(PARTS)}")
    parser.add_argument("--postgresql", action="store_true", help="instead of SQLite")
    parser.add_argument("--root", type=Path, default=ROOT, help="the folder with swrhook's code")
    options = parser.parse_args()
    if unknown := set(options.parts) - PARTS.keys():
        parser.error(f"no such part: {', '.join(sorted(unknown))}")
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends its processes, too
    plan = make_plan(options.root, on_postgresql=options.postgresql)
    ledger = "PostgreSQL" if plan.on_postgresql else "SQLite"
    results = []
    for name in options.parts or PARTS:
        figures.announce(name)
        results.append(PARTS[name](plan))
    rows = [figure for result in results for figure in result.figures]
    figures.show(rows, (), f"swrhook with many lanes, on {ledger}")
    if options.root == ROOT and not options.parts:
        plots = [plot for result in results for plot in result.plots]
        figures.draw(plots)
        figures.write(rows, plots, (), section=f"scale on {ledger}")


if __name__ == "__main__":
    main()
