"""The command `deliveries`."""

from collections.abc import Mapping
from typing import Any

import click

from swrhook.cli.client import Item
from swrhook.cli.tables import Column, Kind, list_options, print_list
from swrhook.cli.terminal import examples
from swrhook.model import Outcome

_STYLES: Mapping[str, str] = {
    Outcome.ACCEPTED: "green",
    Outcome.IGNORED: "dim",
    Outcome.DUPLICATE: "dim",
    Outcome.QUARANTINED: "red",
}
# So many images are named in a row.
_MOST_NAMED = 3


def _images(item: Item) -> str:
    named = [push["image"] for push in item["pushes"][:_MOST_NAMED]]
    more = len(item["pushes"]) - len(named)
    return ", ".join(named) + (f" and {more} more" if more else "")


DELIVERIES = Kind(
    "/api/v1/deliveries",
    "deliveries",
    (
        Column("id", lambda item: item["id"], whole=True),
        Column("received", lambda item: item["received_at"][:16].replace("T", " "), whole=True),
        Column("sender", lambda item: item["sender"]),
        Column(
            "outcome",
            lambda item: item["outcome"],
            whole=True,
            style=lambda item: _STYLES.get(item["outcome"], ""),
        ),
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
@click.option("--sender", help="From this sender.")
@click.option(
    "--outcome",
    type=click.Choice([outcome.value for outcome in Outcome]),
    metavar="OUTCOME",
    help=f"With this verdict: {', '.join(Outcome)}.",
)
@list_options
def deliveries(
    *,
    everything: bool,
    as_json: bool,
    **query: Any,  # noqa: ANN401  # click's values
) -> None:
    """List deliveries of a running server, newest first."""
    print_list(DELIVERIES, query, everything=everything, as_json=as_json)
