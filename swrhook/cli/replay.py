"""The command `replay`."""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

import click

from swrhook.cli.bulk import Change, agree
from swrhook.cli.client import Client, Item, connect
from swrhook.cli.deliveries import DELIVERIES
from swrhook.cli.tables import LARGEST_PAGE, print_items
from swrhook.cli.terminal import examples
from swrhook.model import Outcome

# Of a duplicate, the original is replayed.
OUTCOMES = tuple(outcome.value for outcome in Outcome if outcome is not Outcome.DUPLICATE)


@dataclass(frozen=True, slots=True)
class Selection:
    """Which deliveries are meant where no ids are given."""

    outcome: str | None
    sender: str | None
    since: str | None


@click.command(
    epilog=examples(
        "python -m swrhook replay 01KB3Y6Q3Z6B1D8F2G4H5J7K9M",
        "python -m swrhook replay --outcome quarantined --sender harbor-prod --since 24h",
    )
)
@click.argument("ids", nargs=-1, metavar="[ID]...")
@click.option(
    "--outcome",
    type=click.Choice(OUTCOMES),
    metavar="OUTCOME",
    help=f"In place of ids: all with this verdict: {', '.join(OUTCOMES)}.",
)
@click.option("--sender", help="With --outcome: from this sender.")
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
    if bool(ids) == bool(selected.outcome) or (ids and (selected.sender or selected.since)):
        raise click.UsageError("give either ids, or --outcome with or without --sender and --since")
    client = connect()
    if not ids:
        ids = _select(client, selected, yes=yes)
    change = Change(DELIVERIES, "replay", "Replaying")
    print_items(DELIVERIES, change.apply(client, ids), as_json=as_json)
    if change.declined:
        context.exit(1)


def _select(client: Client, selected: Selection, *, yes: bool) -> Sequence[str]:
    """Return the ids of what is selected, the oldest first, if the person agrees."""
    query = {
        "outcome": selected.outcome,
        "sender": selected.sender,
        "since": selected.since,
        "limit": LARGEST_PAGE,
    }
    pages = client.pages(DELIVERIES.path, query)
    found = [item for page in pages for item in page.items if _has_something(item)]
    if not found:
        return ()
    counts = Counter(str(item["sender"]) for item in found)
    of_senders = ", ".join(f"{count} of {sender}" for sender, count in sorted(counts.items()))
    oldest, newest = (str(item["received_at"]) for item in (found[-1], found[0]))
    plan = f"{len(found)} {selected.outcome} deliveries: {of_senders}; from {oldest} to {newest}."
    agree(plan, "Replay them?", yes=yes)
    return [str(item["id"]) for item in reversed(found)]


def _has_something(item: Item) -> bool:
    """Tell whether there is something in it; a replay is left to the delivery it was made from."""
    is_empty = item["outcome"] == Outcome.IGNORED and not item["pushes"]
    return item["replayed_from"] is None and not is_empty
