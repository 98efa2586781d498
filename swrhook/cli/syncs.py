"""The command `syncs`."""

from collections.abc import Mapping
from typing import Any

import click

from swrhook.cli.client import Item
from swrhook.cli.tables import Column, Kind, list_options, print_list
from swrhook.cli.terminal import examples
from swrhook.model import State

_STYLES: Mapping[str, str] = {
    State.VERIFIED: "green",
    State.UNVERIFIED: "green",
    State.PENDING: "yellow",
    State.CALLING: "yellow",
    State.TRIGGERED: "cyan",
    State.SUPERSEDED: "dim",
    State.CANCELLED: "dim",
}


def _image(item: Item) -> str:
    return f"{item['namespace']}/{item['repository']}:{item['tag']}"


def _target(item: Item) -> str:
    return f"{item['target_region']}/{item['target_namespace']}"


def _why(item: Item) -> str:
    """Return the reason and, where an error has one, what to do about it."""
    remedy = (item["error"] or {}).get("remedy")
    return "; ".join(text for text in (item["reason"], remedy) if text)


SYNCS = Kind(
    "/api/v1/syncs",
    "syncs",
    (
        Column("id", lambda item: item["id"], whole=True),
        Column(
            "state",
            lambda item: item["state"],
            whole=True,
            style=lambda item: _STYLES.get(item["state"], "red"),
        ),
        Column("image", _image),
        Column("target", _target),
        Column("why", _why),
    ),
)


@click.command(
    epilog=examples(
        "python -m swrhook syncs --state rejected --state exhausted --since 24h",
        "python -m swrhook syncs --image team-a/web/shop:1.4.2",
        "python -m swrhook syncs --region cn-east-3 --all --json | jq -r .reason",
    )
)
@click.option(
    "--state",
    type=click.Choice([state.value for state in State]),
    multiple=True,
    metavar="STATE",
    help=f"In this state. Repeatable. {', '.join(State)}.",
)
@click.option("--region", help="Towards this region.")
@click.option("--namespace", help="Towards this organization.")
@click.option("--image", metavar="NS/REPO[:TAG]", help="Of this image at the source.")
@list_options
def syncs(*, everything: bool, as_json: bool, **query: Any) -> None:  # noqa: ANN401  # click's values
    """List syncs of a running server, newest first."""
    print_list(SYNCS, query, everything=everything, as_json=as_json)
