"""The command `senders`: lists the configured senders."""

from datetime import timedelta

from swrhook.cli.client import Item
from swrhook.cli.lists import print_list
from swrhook.cli.options import command, json_option, watch_option
from swrhook.cli.tables import Column, Resource, age_column
from swrhook.model import Outcome


def _outcomes(sender: Item) -> str:
    counts = (f"{count} {outcome}" for outcome, count in sender["outcomes"].items() if count)
    return ", ".join(counts) or "none"


def _status(sender: Item) -> str:
    if sender["last_outcome"] == Outcome.QUARANTINED:
        return "not understood"
    if sender["silent"]:
        return f"silent: expected every {sender['expect_every']}"
    return "on time" if sender["expect_every"] else ""


SENDERS = Resource(
    "/api/v1/senders",
    "sender",
    "senders",
    (
        Column("sender", lambda sender: str(sender["name"])),
        Column("dialect", spare=1),
        Column("region", spare=2),
        age_column("last_delivery_at", "last"),
        Column("last 24 h", _outcomes),
        Column("status", _status, styled=True),
    ),
)


@command(
    "python -m swrhook senders",
    "python -m swrhook senders --json | jq -r 'select(.silent).name'",
)
@watch_option
@json_option()
def senders(*, watch: timedelta | None, as_json: bool) -> None:
    """List the configured senders, with what they delivered in the last 24 hours.

    `last` is the age of the last delivery. A sender is silent if that is older than its
    `expect_every`, and not understood if its last delivery was quarantined.
    """
    print_list(SENDERS, {}, watch=watch, as_json=as_json)
