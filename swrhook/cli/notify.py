"""The command `notify`: tests channels, and lists notifications."""

import sys
import time
from collections.abc import Sequence
from datetime import timedelta

import click

from swrhook.cli.client import Client, Item, QueryValue, connect
from swrhook.cli.lists import print_list
from swrhook.cli.options import choice_option, examples, json_option, list_options, text_option
from swrhook.cli.tables import ID_COLUMN, Column, Resource, age_column, print_items
from swrhook.cli.terminal import status_line
from swrhook.notifications.model import NotificationState

# Seconds between two polls, and the longest time to wait for a channel.
_POLL_INTERVAL = 0.5
_PATIENCE = 60
_PATH = "/api/v1/notifications"

NOTIFICATIONS = Resource(
    _PATH,
    "notification",
    "notifications",
    (
        ID_COLUMN,
        age_column("created_at"),
        Column("channel"),
        Column("state", styled=True),
        Column("title", prose=True),
        Column("error", lambda item: item["error"] or "", spare=2, prose=True),
    ),
)


@click.group(
    epilog=examples(
        "python -m swrhook notify test ops",
        "python -m swrhook notify list --state failed --since 24h",
    )
)
def notify() -> None:
    """Test the channels for notifications, and list the notifications."""


@notify.command("list")
@text_option("--channel", "Only to this channel.")
@choice_option("--state", NotificationState, "Only in this state. Repeatable.", multiple=True)
@list_options
def list_all(
    *, everything: bool, watch: timedelta | None, as_json: bool, **query: QueryValue
) -> None:
    """List notifications, newest first."""
    print_list(NOTIFICATIONS, query, everything=everything, watch=watch, as_json=as_json)


@notify.command()
@click.argument("channels", nargs=-1, metavar="[CHANNEL]...")
@json_option()
def test(channels: Sequence[str], *, as_json: bool) -> None:
    """Send a test to channels; without a name, to all of them.

    Waits until the channels have answered. Exit code 1 if one did not accept it.
    """
    client = connect()
    names = channels or [item["name"] for item in client.page(f"{_PATH}/channels", {})["items"]]
    if not names:
        raise click.ClickException("no channel is configured: add notify to swrhook.yaml")
    messages = [client.post(f"{_PATH}/test", {"channel": name}) for name in names]
    deadline = time.monotonic() + _PATIENCE
    with status_line("Waiting for the channels"):
        messages = [_follow(client, message, deadline) for message in messages]
    print_items(NOTIFICATIONS, messages, as_json=as_json)
    if any(message["state"] != NotificationState.SENT for message in messages):
        sys.exit(1)


def _follow(client: Client, message: Item, deadline: float) -> Item:
    """Poll until the first attempt has ended, or the deadline has passed; return the message."""
    while message["ended_at"] is None and not message["attempts"] and time.monotonic() < deadline:
        time.sleep(_POLL_INTERVAL)
        message = client.show(NOTIFICATIONS.item_path(message["id"]))
    return message
