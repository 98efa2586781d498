"""All but the rules' and the registry's benchmarks: a table, plots, docs/performance.md."""

import sys

from rich.console import Console
from rich.table import Table

from bench import claims, figures, receiving, syncing

_WIDTH = 200  # of a file or a pipe, which has none
PARTS = {"receiving": receiving, "syncing": syncing, "claims": claims}


def main() -> None:
    """Measure, print the table, and write the page of a whole run."""
    console = Console(width=None if sys.stdout.isatty() else _WIDTH)
    wanted = sys.argv[1:] or list(PARTS)
    found = []
    for name in wanted:
        console.print(f"measuring: {name} …", style="dim")
        found.append(PARTS[name].measure())
    table = Table(*figures.HEADINGS, title="swrhook against its references, in one run")
    rows = [figure for findings in found for figure in findings.figures]
    skipped = [reason for findings in found for reason in findings.skipped]
    for figure in rows:
        table.add_row(*figure.cells())
    console.print(table)
    for reason in skipped:
        console.print(f"not measured: {reason}")
    if wanted == list(PARTS):
        plots = [plot for findings in found for plot in findings.plots]
        figures.draw(plots)
        figures.write(rows, plots, skipped)


if __name__ == "__main__":
    main()
