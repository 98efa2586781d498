"""The command `replay`."""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from swrhook.cli.client import Client, Declined, Item, connect
from swrhook.cli.deliveries import DELIVERIES
from swrhook.cli.listing import LARGEST_PAGE, print_items
from swrhook.model import Outcome

# Of a duplicate, the original is replayed.
OUTCOMES = tuple(outcome.value for outcome in Outcome if outcome is not Outcome.DUPLICATE)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which deliveries are meant where no ids are given."""

    outcome: str | None
    source: str | None
    since: str | None


@click.command()
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option(
    "--outcome",
    type=click.Choice(OUTCOMES),
    metavar="OUTCOME",
    help=f"In place of ids: all with this verdict: {', '.join(OUTCOMES)}.",
)
@click.option("--source", help="With --outcome: from this sender.")
@click.option("--since", metavar="TIME", help="With --outcome: not older than a time, or 24h, 7d.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")
@click.pass_context
def replay(
    context: click.Context,
    /,
    ids: Sequence[str],
    *,
    yes: bool,
    as_json: bool,
    **selection: str | None,
) -> None:
    """Read deliveries again, as the configuration is now; prints the new deliveries.

    Either by their ids, or all with an outcome: those are counted first, and replayed, the oldest
    first, when you agree. Ends with 1 when one could not be replayed.
    """
    selected = Selection(**selection)
    if bool(ids) == bool(selected.outcome) or (ids and (selected.source or selected.since)):
        raise click.UsageError("give either ids, or --outcome with or without --source and --since")
    client = connect()
    if not ids:
        ids = _select(client, selected, yes=yes)
    declined: list[str] = []
    print_items(DELIVERIES, _replayed(client, ids, declined), as_json=as_json)
    if declined:
        context.exit(1)


def _select(client: Client, selected: Selection, *, yes: bool) -> Sequence[str]:
    """Return the ids of what is selected, the oldest first, if the person agrees."""
    query = {
        "outcome": selected.outcome,
        "source": selected.source,
        "since": selected.since,
        "limit": LARGEST_PAGE,
    }
    pages = client.pages(DELIVERIES.path, query)
    found = [item for page in pages for item in page.items if _has_something(item)]
    if not found:
        return ()
    counts = Counter(str(item["source"]) for item in found)
    of_sources = ", ".join(f"{count} of {source}" for source, count in sorted(counts.items()))
    oldest, newest = (str(item["received_at"]) for item in (found[-1], found[0]))
    click.echo(
        f"{len(found)} {selected.outcome} deliveries: {of_sources}; from {oldest} to {newest}.",
        err=True,
    )
    if not yes:
        click.confirm("Replay them?", abort=True, err=True)
    return [str(item["id"]) for item in reversed(found)]


def _has_something(item: Item) -> bool:
    """Tell whether there is something in it; a replay is left to the delivery it was made from."""
    is_empty = item["outcome"] == Outcome.IGNORED and not item["pushes"]
    return item["replayed_from"] is None and not is_empty


def _replayed(client: Client, ids: Sequence[str], declined: list[str]) -> Iterator[Item]:
    """Yield the new deliveries; add those that could not be replayed to `declined`."""
    console = Console(stderr=True)
    columns = (TextColumn("Replaying"), BarColumn(), MofNCompleteColumn())
    is_shown = console.is_terminal and len(ids) > 1
    with Progress(*columns, console=console, transient=True, disable=not is_shown) as progress:
        for each in progress.track(ids):
            try:
                yield client.post(f"{DELIVERIES.path}/{quote(each, safe='')}/replay")
            except Declined as exc:
                declined.append(each)
                console.print(
                    f"{each}: {exc.message}", markup=False, highlight=False, soft_wrap=True
                )
