"""Benchmarks, each in a module of its own; writes table and plots into docs/performance.md.

bench/rules.py, registry.py, slow_clients.py, coverage.py and scale.py are programs of their own.
"""

import signal
import sys

from bench import availability, claims, costs, deliveries, figures, pages, syncs

PARTS = {
    "deliveries": deliveries,
    "syncs": syncs,
    "claims": claims,
    "costs": costs,
    "pages": pages,
    "availability": availability,
}


def main() -> None:
    """Run the benchmarks and print the table; a run of all of them is written into the page."""
    signal.signal(signal.SIGTERM, signal.default_int_handler)  # ends its processes, too
    names = sys.argv[1:] or list(PARTS)
    results = []
    for name in names:
        figures.announce(name)
        results.append(PARTS[name].measure())
    rows = [figure for result in results for figure in result.figures]
    skipped = [reason for result in results for reason in result.skipped]
    figures.show(rows, skipped, "swrhook compared with its references, in one run")
    if names == list(PARTS):
        plots = [plot for result in results for plot in result.plots]
        figures.draw(plots)
        figures.write(rows, plots, skipped)


if __name__ == "__main__":
    main()
