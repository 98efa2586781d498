"""The command `wait`."""

import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from http import HTTPStatus

import click
from rich.console import Console
from rich.status import Status

from swrhook.cli.client import Client, Poll, Query, Unreachable, connect
from swrhook.cli.syncs import SYNCS
from swrhook.cli.tables import print_items
from swrhook.cli.terminal import examples

# Seconds of one poll: shorter than a proxy's patience. A person sees more of it.
_POLL = 30
_POLL_OF_A_TERMINAL = 2
# Seconds between two polls where the server cannot let us wait.
_PAUSE = 2.0

_GO_ON = frozenset({HTTPStatus.REQUEST_TIMEOUT, HTTPStatus.TOO_MANY_REQUESTS})


@click.command(
    epilog=examples(
        'python -m swrhook wait team-a/web/shop:1.4.2 --delivery "$(jq -r .delivery answer.json)"',
        "python -m swrhook wait team-a/web/shop:latest --since 10m --region cn-east-3",
    )
)
@click.argument("image", metavar="IMAGE")
@click.option("--region", help="Only towards this region.")
@click.option("--digest", help="Only syncs of this digest at the source.")
@click.option("--delivery", metavar="ID", help="Only syncs of this delivery.")
@click.option("--since", metavar="TIME", help="Only syncs not older than a time, or 10m.")
@click.option(
    "--timeout",
    type=click.IntRange(0),
    default=600,
    show_default=True,
    metavar="SECONDS",
    help="The longest to wait.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the syncs as JSON, one a line.")
@click.pass_context
def wait(
    context: click.Context,
    /,
    image: str,
    *,
    timeout: int,
    as_json: bool,
    **query: str | None,
) -> None:
    """Wait until IMAGE is verified at every target, as the last step of a job.

    IMAGE is the sender's namespace/repository:tag; meant is its latest sync to each target. Name
    the delivery, the digest or a time, so that yesterday's tag is not taken for today's. Ends with
    0 when all are verified; with 1 as soon as one has ended otherwise, when none is known, and when
    the time is over.
    """
    asked = _Asked(connect(), {"image": image, **query}, time.monotonic() + timeout)
    with _status() as status:
        poll = asked.until_ended(status)
    print_items(SYNCS, poll.syncs, as_json=as_json)
    if poll.status != HTTPStatus.OK:
        click.echo(f"{image}: {_words(poll, timeout)}", err=True)
        context.exit(1)


@dataclass(frozen=True, slots=True)
class _Asked:
    """What is waited for, of whom, and until when."""

    client: Client
    query: Query
    deadline: float

    def until_ended(self, status: Status | None) -> Poll:
        """Return the last poll's answer: the end, or the state of things when the time is over."""
        longest = _POLL if status is None else _POLL_OF_A_TERMINAL
        poll = self._poll(min(self._left(), longest))
        while poll.status in _GO_ON and self._left() > 0:
            if status is not None:
                status.update(_summary(poll))
            began = time.monotonic()
            poll = self._poll_on(poll, min(self._left(), longest))
            if poll.status in _GO_ON and time.monotonic() - began < 1:
                time.sleep(min(self._left(), _PAUSE))
        return poll

    def _poll_on(self, last: Poll, seconds: int) -> Poll:
        """Poll again; a server that is away for a moment is waited for."""
        try:
            return self._poll(seconds)
        except Unreachable:
            return last

    def _poll(self, seconds: int) -> Poll:
        return self.client.poll("/api/v1/wait", {**self.query, "timeout": seconds}, seconds)

    def _left(self) -> int:
        return max(round(self.deadline - time.monotonic()), 0)


@contextmanager
def _status() -> Iterator[Status | None]:
    """Yield the line that a person watches; None where nobody does."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    with console.status("asking") as status:
        yield status


def _summary(poll: Poll) -> str:
    if poll.status == HTTPStatus.TOO_MANY_REQUESTS:
        return "others wait already"
    states = [str(sync["state"]) for sync in poll.syncs]
    counted = ", ".join(f"{states.count(state)} {state}" for state in sorted(set(states)))
    reasons = sorted({str(sync["reason"]) for sync in poll.syncs if sync["reason"]})
    return "; ".join([counted, *reasons[:1]])


def _words(poll: Poll, timeout: int) -> str:
    if poll.status in _GO_ON:
        return f"not verified within {timeout} s"
    return poll.detail
