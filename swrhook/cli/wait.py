"""The command `wait`."""

import sys
import time
from datetime import timedelta
from http import HTTPStatus

import click
from rich.status import Status
from rich.text import Text

from swrhook.cli.client import Client, Poll, Query, Unreachable, connect
from swrhook.cli.options import (
    DurationType,
    command,
    json_option,
    since_option,
    text_option,
    timeout_option,
)
from swrhook.cli.syncs import SYNCS
from swrhook.cli.tables import print_items
from swrhook.cli.terminal import print_notice, printable, status_line

# Seconds of one long poll: less than the usual read timeout of a proxy (60 s).
_POLL = 30
# On a terminal, shorter polls keep the status line up to date.
_TERMINAL_POLL = 2
# Seconds between two polls if the server does not let this one wait.
_PAUSE = 2.0

_UNFINISHED = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


@command(
    'python -m swrhook wait team-a/web/shop:1.4.2 --delivery "$(jq -r .delivery answer.json)"',
    "python -m swrhook wait team-a/web/shop:latest --since 10m --region cn-east-3",
)
@click.argument("image", metavar="IMAGE")
@text_option("--region", "Only syncs to this region.")
@text_option("--digest", "Only syncs of this digest at the source.")
@text_option("--delivery", "Only syncs of this delivery.", metavar="ID")
@since_option("Only syncs not", "10m")
@click.option(
    "--max-age",
    type=DurationType(),
    default="0s",
    show_default=True,
    help="How long before the command the targets may have been observed.",
)
@timeout_option("The longest time to wait.")
@json_option("Print the syncs as JSON, one per line.")
def wait(
    image: str, *, timeout: int, max_age: timedelta, as_json: bool, **filters: str | None
) -> None:
    """Wait until IMAGE is verified at every target, as the last step of a job.

    IMAGE is the source's namespace/repository:tag. Only its latest sync to each target counts, and
    each target is observed again, so that an image that was deleted since is not waited for. Pass
    --delivery, --digest or --since, so that an earlier push of the tag does not count. Exit code 0
    if all are verified; 1 as soon as one has ended in another state, if no sync matches, or after
    the timeout.
    """
    wait_for(connect(), image, filters, timeout=timeout, max_age=max_age, as_json=as_json)


def wait_for(
    client: Client,
    image: str,
    filters: Query,
    *,
    timeout: int,
    max_age: timedelta = timedelta(0),
    as_json: bool,
) -> None:
    """Wait for the syncs of an image, print them, and exit with 1 unless all are verified."""
    deadline = time.monotonic() + timeout
    with status_line("Asking the server") as status:
        poll = _wait(client, {"image": image, **filters}, deadline, max_age, status)
    print_items(SYNCS, poll.syncs, as_json=as_json, report_none=False)
    if poll.status != HTTPStatus.OK:
        is_late = poll.status in _UNFINISHED
        message = f"not verified within {timeout} s" if is_late else poll.detail
        if poll.status == HTTPStatus.NOT_FOUND:
            message += " (the command explain says why)"
        print_notice(f"{image}: {message}")
        sys.exit(1)


def _wait(
    client: Client, query: Query, deadline: float, max_age: timedelta, status: Status | None
) -> Poll:
    """Poll until the syncs have ended or the deadline has passed; return the last answer."""
    longest = _POLL if status is None else _TERMINAL_POLL
    began = time.monotonic()
    poll: Poll | None = None
    while poll is None or (poll.status in _UNFINISHED and _remaining(deadline) > 0):
        started = time.monotonic()
        seconds = min(_remaining(deadline), longest)
        try:
            # What an earlier poll has had observed counts for this one.
            age = round(1000 * (max_age.total_seconds() + time.monotonic() - began))
            limits: Query = {"timeout": seconds, "max_age": f"{max(age, 1)}ms"}
            poll = client.poll("/api/v1/wait", {**query, **limits}, seconds)
        except Unreachable:
            # Later on, the server may be restarting. At first, the address may be wrong.
            if poll is None:
                raise
        if status is not None:
            status.update(Text(printable(_summarize(poll))))
        if poll.status in _UNFINISHED and time.monotonic() - started < 1:
            time.sleep(min(_remaining(deadline), _PAUSE))
    return poll


def _remaining(deadline: float) -> int:
    """Return the whole seconds until a deadline of the monotonic clock."""
    return max(round(deadline - time.monotonic()), 0)


def _summarize(poll: Poll) -> str:
    """Return the number of syncs in each state, and one reason."""
    if poll.status == HTTPStatus.TOO_MANY_REQUESTS:
        return "the server has too many waits; trying again"
    states = [str(sync["state"]) for sync in poll.syncs]
    counts = ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))
    reasons = sorted({str(sync["reason"]) for sync in poll.syncs if sync["reason"]})
    return "; ".join([counts, *reasons[:1]])
