"""The command `deliveries`: lists deliveries."""

from datetime import timedelta

from swrhook.cli.client import Item, QueryValue
from swrhook.cli.lists import print_list
from swrhook.cli.options import choice_option, command, list_options, text_option
from swrhook.cli.tables import ID_COLUMN, Column, Resource, age_column
from swrhook.model import Outcome

# A row names at most this many images: it is one line.
_MOST_IMAGES = 1


def _images(item: Item) -> str:
    images = [push["image"] for push in item["pushes"]]
    if item["pushes_total"] > len(images):  # a large delivery
        return f"{item['pushes_total']} images"
    more = len(images) - _MOST_IMAGES
    return ", ".join(images[:_MOST_IMAGES]) + (f" and {more} more" if more > 0 else "")


def _syncs(item: Item) -> str:
    return f"{item['syncs_total']}{', expanding' if item['expanding'] else ''}"


DELIVERIES = Resource(
    "/api/v1/deliveries",
    "delivery",
    "deliveries",
    (
        ID_COLUMN,
        age_column("received_at"),
        Column("sender"),
        Column("outcome", styled=True),
        Column("syncs", _syncs),
        Column("images", _images, spare=3),
        Column("why", lambda item: item["reason"] or "", spare=2, prose=True),
    ),
)


@command(
    "python -m swrhook deliveries --sender harbor-prod --since 1h",
    "python -m swrhook deliveries --outcome quarantined --all --json | jq -r .reason",
)
@text_option("--sender", "Only deliveries from this sender.")
@choice_option("--outcome", Outcome, "Only deliveries with this outcome:")
@list_options
def deliveries(
    *, everything: bool, watch: timedelta | None, as_json: bool, **query: QueryValue
) -> None:
    """List deliveries, newest first."""
    print_list(DELIVERIES, query, everything=everything, watch=watch, as_json=as_json)
