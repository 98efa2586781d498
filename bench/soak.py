"""The soak test, `make soak`: 10,000 tags must arrive despite faults of every kind.

Three regions copy to each other, one call in five is hit by a temporary fault, and in the end the
ledger and the regions are compared with what was pushed.
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
    """Run the soak test with a progress bar and print the results; exit 1 if a tag is wrong."""
    parser = argparse.ArgumentParser(description=main.__doc__)
    parser.add_argument("--repositories", type=int, default=100)
    parser.add_argument("--tags", type=int, default=100, help="of each repository")
    parser.add_argument("--share", type=float, default=0.2, help="of calls that a fault hits")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    console = Console()
    columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn())
    with (
        tempfile.TemporaryDirectory() as folder,
        Progress(*columns, TimeElapsedColumn(), console=console) as progress,
    ):
        task = progress.add_task("syncs that have ended", total=None)
        outcome = Soak(
            Path(folder),
            options.repositories,
            options.tags,
            options.share,
            options.seed,
            lambda ended, of: progress.update(task, completed=ended, total=of),
        ).run()
    console.print(_table(outcome))
    for line in outcome.wrong[:_MOST_SHOWN]:
        console.print(line, style="red", markup=False)
    sys.exit(1 if outcome.wrong else 0)


def _table(outcome: Outcome) -> Table:
    requests, hits = len(outcome.calls), sum(bool(call.faults) for call in outcome.calls)
    calls, least = len(outcome.sync_calls), outcome.least_calls
    table = Table("what", "figure", title=f"{outcome.tags} tags between three regions")
    rows = {
        "deliveries": f"{outcome.deliveries}",
        "syncs": f"{len(outcome.syncs)}",
        **{f"  {state}": f"{count}" for state, count in outcome.states.most_common()},
        "wrong or lost": f"{len(outcome.wrong)}",
        "requests to SWR and IAM": f"{requests}",
        "  requests hit by a fault": f"{hits} ({hits / requests:.0%})",
        "calls of sync_images": f"{calls}",
        "  calls hit by a fault": f"{outcome.hits}",
        "minimum without faults": f"{least}",
        "calls : minimum": f"{calls / least:.2f}",
        "calls : minimum plus one for each hit": f"{calls / (least + outcome.hits):.2f}",
        "seconds until all deliveries were acknowledged": f"{outcome.acknowledged_after:.1f}",
        "seconds until all syncs had ended": f"{outcome.ended_after:.1f}",
        "syncs/s": f"{len(outcome.syncs) / outcome.ended_after:.0f}",
    }
    for row in rows.items():
        table.add_row(*row)
    return table


if __name__ == "__main__":
    main()
