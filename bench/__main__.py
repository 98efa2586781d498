"""Benchmarks of deliveries, syncs and claims; writes table and plots into docs/performance.md.

bench/rules.py and bench/registry.py are programs of their own.
"""

import sys

from rich.console import Console
from rich.table import Table

from bench import claims, deliveries, figures, slow_clients, syncs

_WIDTH = 200  # if the output is a file or a pipe
PARTS = {
    "deliveries": deliveries,
    "syncs": syncs,
    "claims": claims,
    "slow_clients": slow_clients,
}


def main() -> None:
    """Run the benchmarks and print the table; a run of all of them is written into the page."""
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    names = sys.argv[1:] or list(PARTS)
    results = []
    for name in names:
        console.print(f"measuring: {name} …", style="dim")
        results.append(PARTS[name].measure())
    table = Table(*figures.HEADINGS, title="swrhook compared with its references, in one run")
    rows = [figure for result in results for figure in result.figures]
    skipped = [reason for result in results for reason in result.skipped]
    for figure in rows:
        table.add_row(*figure.cells())
    console.print(table)
    for reason in skipped:
        console.print(f"not measured: {reason}")
    if names == list(PARTS):
        plots = [plot for result in results for plot in result.plots]
        figures.draw(plots)
        figures.write(rows, plots, skipped)


if __name__ == "__main__":
    main()
