"""The option `--watch` of lists: the list is read again and again, until Ctrl-C."""

import json
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from itertools import chain, islice

import click
from rich.console import Console, Group
from rich.live import Live
from rich.text import Text

from swrhook.cli.client import Item, Unreachable
from swrhook.cli.tables import Resource, plain_lines, table_lines
from swrhook.cli.terminal import output_console, print_notice
from swrhook.units import format_span


@dataclass(frozen=True, slots=True)
class Watch:
    """Reads a page of a resource every `interval`, until Ctrl-C."""

    resource: Resource
    read: Callable[[], Sequence[Item]]
    interval: timedelta

    def run(self, *, as_json: bool) -> None:
        """Show the list in its place on a terminal; elsewhere print what is new or has changed."""
        console = output_console()
        with suppress(KeyboardInterrupt):
            if console.is_terminal and not as_json:
                self._refresh(console)
            else:
                self._stream(as_json=as_json)

    def _polls(self) -> Iterator[tuple[Sequence[Item], str]]:
        """Yield the items, and why they could not be read again. The first read must succeed."""
        items, problem = self.read(), ""
        while True:
            yield items, problem
            time.sleep(self.interval.total_seconds())
            try:
                items, problem = self.read(), ""
            except Unreachable as exc:  # the server may be restarting
                problem = exc.message

    def _refresh(self, console: Console) -> None:
        every = f"every {format_span(self.interval)}, Ctrl-C ends"
        with Live(console=console, auto_refresh=False) as live:
            for items, problem in self._polls():
                now = f"{datetime.now(UTC):%H:%M:%S} UTC"
                head = Text(problem, "red") if problem else Text(f"{now}, {every}", "dim")
                none = [Text(f"No {self.resource.plural} found.")]
                lines = table_lines(self.resource.columns, items, console.width) if items else none
                live.update(Group(*islice(chain([head], lines), console.height)), refresh=True)

    def _stream(self, *, as_json: bool) -> None:
        printed: dict[str, Item] = {}
        reported = ""
        polls = self._polls()
        first = next(polls)
        if not as_json:
            click.echo(next(plain_lines(self.resource.columns, [])))
        for items, problem in chain([first], polls):
            if problem and problem != reported:
                print_notice(problem)
            reported = problem
            for item in reversed(items):
                if printed.get(_key(item)) != item:
                    click.echo(self._line(item, as_json=as_json))
            printed = {_key(item): item for item in items}

    def _line(self, item: Item, *, as_json: bool) -> str:
        if as_json:
            return json.dumps(item)
        return next(plain_lines(self.resource.columns, [item], heading=False))


def _key(item: Item) -> str:
    """Return what tells an object from others of its list: a sender has a name only."""
    return str(item.get("id") or item["name"])
