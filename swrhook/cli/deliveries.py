"""The command `deliveries`: lists deliveries."""

from operator import itemgetter

import click

from swrhook.cli.client import Item, QueryValue
from swrhook.cli.options import examples, list_options
from swrhook.cli.tables import ID_COLUMN, Column, Resource, print_list
from swrhook.model import Outcome

_STYLES = {
    Outcome.ACCEPTED.value: "green",
    Outcome.IGNORED.value: "dim",
    Outcome.DUPLICATE.value: "dim",
    Outcome.QUARANTINED.value: "red",
}
# A row names at most this many images.
_MOST_IMAGES = 3


def _images(item: Item) -> str:
    images = [push["image"] for push in item["pushes"]]
    more = len(images) - _MOST_IMAGES
    return ", ".join(images[:_MOST_IMAGES]) + (f" and {more} more" if more > 0 else "")


DELIVERIES = Resource(
    "/api/v1/deliveries",
    "delivery",
    "deliveries",
    (
        ID_COLUMN,
        Column("received", lambda item: item["received_at"][:16].replace("T", " "), unwrapped=True),
        Column("sender", itemgetter("sender")),
        Column("outcome", itemgetter("outcome"), unwrapped=True, styles=_STYLES),
        Column("images", _images),
        Column("syncs", lambda item: str(len(item["syncs"]))),
        Column("reason", lambda item: item["reason"] or ""),
    ),
)


@click.command(
    epilog=examples(
        "python -m swrhook deliveries --sender harbor-prod --since 1h",
        "python -m swrhook deliveries --outcome quarantined --all --json | jq -r .reason",
    )
)
@click.option("--sender", help="Only deliveries from this sender.")
@click.option(
    "--outcome",
    type=click.Choice([outcome.value for outcome in Outcome]),
    metavar="OUTCOME",
    help=f"Only deliveries with this outcome: {', '.join(Outcome)}.",
)
@list_options
def deliveries(*, everything: bool, as_json: bool, **query: QueryValue) -> None:
    """List deliveries, newest first."""
    print_list(DELIVERIES, query, everything=everything, as_json=as_json)
