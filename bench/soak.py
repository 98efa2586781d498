"""Does every tag arrive when much goes wrong? `make soak` pushes 10,000 tags through a storm.

Three regions copy to each other, one call in five is struck by some fault that passes, and in the
end the ledger and the regions are compared with what was pushed.
"""

import argparse
import sys
import tempfile
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeElapsedColumn
from rich.table import Table

from tests.reliability.soak import Outcome, Soak

_MOST_SHOWN = 20


def main() -> None:
    """Run it with a progress bar, and print what came of it; exit 0 when all is right."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--repositories", type=int, default=100)
    parser.add_argument("--tags", type=int, default=100, help="of each repository")
    parser.add_argument("--share", type=float, default=0.2, help="of calls that a fault strikes")
    parser.add_argument("--seed", type=int, default=0)
    chosen = parser.parse_args()
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with (
        tempfile.TemporaryDirectory() as folder,
        Progress(*columns, TimeElapsedColumn(), console=console) as progress,
    ):
        task = progress.add_task("syncs that have ended", total=None)
        outcome = Soak(
            Path(folder),
            chosen.repositories,
            chosen.tags,
            chosen.share,
            chosen.seed,
            lambda ended, of: progress.update(task, completed=ended, total=of),
        ).run()
    console.print(_table(outcome))
    for line in outcome.wrong[:_MOST_SHOWN]:
        console.print(line, style="red", markup=False)
    sys.exit(1 if outcome.wrong else 0)


def _table(outcome: Outcome) -> Table:
    calls, made, least = len(outcome.calls), len(outcome.made), outcome.least
    struck = sum(bool(call.faults) for call in outcome.calls)
    table = Table("what", "figure", title=f"{outcome.tags} tags between three regions")
    rows = {
        "deliveries": f"{outcome.deliveries}",
        "syncs": f"{len(outcome.syncs)}",
        **{f"  {state}": f"{count}" for state, count in outcome.states.most_common()},
        "wrong or lost": f"{len(outcome.wrong)}",
        "requests to SWR and IAM": f"{calls}",
        "  of them struck by a fault": f"{struck} ({struck / calls:.0%})",
        "calls of sync_images": f"{made}",
        "  of them struck": f"{outcome.struck}",
        "least possible without faults": f"{least}",
        "calls made : least": f"{made / least:.2f}",
        "calls made : least and one more for each struck": f"{made / (least + outcome.struck):.2f}",
        "seconds until all was acknowledged": f"{outcome.pushing:.1f}",
        "seconds until all had ended": f"{outcome.took:.1f}",
        "syncs/s": f"{len(outcome.syncs) / outcome.took:.0f}",
    }
    for row in rows.items():
        table.add_row(*row)
    return table


if __name__ == "__main__":
    main()
