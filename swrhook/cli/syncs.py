"""The command `syncs`: lists syncs."""

from operator import itemgetter

import click

from swrhook.cli.client import Item, QueryValue
from swrhook.cli.options import examples, list_options
from swrhook.cli.tables import ID_COLUMN, Column, Resource, print_list
from swrhook.model import State

_STYLES = {
    State.VERIFIED.value: "green",
    State.UNVERIFIED.value: "green",
    State.PENDING.value: "yellow",
    State.CALLING.value: "yellow",
    State.TRIGGERED.value: "cyan",
    State.SUPERSEDED.value: "dim",
    State.CANCELLED.value: "dim",
}


def _image(item: Item) -> str:
    return f"{item['namespace']}/{item['repository']}:{item['tag']}"


def target_name(item: Item) -> str:
    """Return the target of a sync or of a compared tag."""
    return f"{item['target_region']}/{item['target_namespace']}"


def _reason(item: Item) -> str:
    """Return the reason of the state and, if its error has one, the remedy."""
    remedy = (item["error"] or {}).get("remedy")
    return "; ".join(text for text in (item["reason"], remedy) if text)


IMAGE_COLUMN = Column("image", _image)
TARGET_COLUMN = Column("target", target_name)
SYNCS = Resource(
    "/api/v1/syncs",
    "sync",
    "syncs",
    (
        ID_COLUMN,
        Column("state", itemgetter("state"), unwrapped=True, styles=_STYLES, default_style="red"),
        IMAGE_COLUMN,
        TARGET_COLUMN,
        Column("why", _reason),
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
    help=f"Only syncs in this state. Repeatable. {', '.join(State)}.",
)
@click.option("--region", help="Only syncs to this region.")
@click.option("--namespace", help="Only syncs to this organization.")
@click.option("--image", metavar="NS/REPO[:TAG]", help="Only syncs of this image at the source.")
@list_options
def syncs(*, everything: bool, as_json: bool, **query: QueryValue) -> None:
    """List syncs, newest first."""
    print_list(SYNCS, query, everything=everything, as_json=as_json)
