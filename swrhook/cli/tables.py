"""What the commands that list have in common: options, pages, JSON lines, tables."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import TypeVar

import click
from rich.console import Console
from rich.progress import Progress, SpinnerColumn, TextColumn
from rich.table import Table
from rich.text import Text

from swrhook.cli.client import Client, Item, Page, Query, connect
from swrhook.cli.terminal import printable, screen

Options = TypeVar("Options", bound=Callable[..., object])

LARGEST_PAGE = 1000


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table. One that is `whole` is never wrapped, whatever the width."""

    heading: str
    read: Callable[[Item], str]
    whole: bool = False
    style: Callable[[Item], str] = lambda _item: ""


@dataclass(frozen=True, slots=True)
class Kind:
    """What is listed: the API's path, its plural, and its columns."""

    path: str
    plural: str
    columns: Sequence[Column]


def list_options(command: Options) -> Options:
    """Add the options of every list."""
    for option in reversed(
        (
            click.option(
                "--since", metavar="TIME", help="Not older than a time (RFC 3339) or 30m, 24h, 7d."
            ),
            click.option(
                "--limit",
                type=click.IntRange(1, LARGEST_PAGE),
                help="The most to list; 100 if not given. With --all: in one request.",
            ),
            click.option("--cursor", help="Go on from here, as the list before said."),
            click.option("--all", "everything", is_flag=True, help="List them all, page by page."),
            click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line."),
        )
    ):
        command = option(command)
    return command


def print_list(kind: Kind, query: Query, *, everything: bool, as_json: bool) -> None:
    """Print what the server has: a page, or all of it."""
    show = _print_json if as_json else _print_table
    client = connect()
    if everything:
        show(kind, (item for page in _with_progress(client, kind, query) for item in page.items))
        return
    page = client.page(kind.path, query)
    show(kind, page.items)
    if page.next is not None:
        click.echo(f"There are more: --cursor {page.next}, or --all.", err=True)


def print_items(kind: Kind, items: Iterable[Item], *, as_json: bool) -> None:
    """Print what a command was answered, JSON as it comes."""
    (_print_json if as_json else _print_table)(kind, items)


def _print_json(_kind: Kind, items: Iterable[Item]) -> None:
    for item in items:
        click.echo(json.dumps(item))


def _with_progress(client: Client, kind: Kind, query: Query) -> Iterator[Page]:
    query = {**query, "limit": query.get("limit") or LARGEST_PAGE}
    console = Console(stderr=True)
    columns = (SpinnerColumn(), TextColumn(f"{{task.completed}} {kind.plural}"))
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("", total=None)
        for page in client.pages(kind.path, query):
            progress.advance(task, len(page.items))
            yield page


def _print_table(kind: Kind, found: Iterable[Item]) -> None:
    items = list(found)
    if not items:
        click.echo(f"No {kind.plural} match.", err=True)
        return
    console = screen()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in kind.columns:
        table.add_column(column.heading, no_wrap=column.whole, overflow="fold")
    try:
        for item in items:
            table.add_row(*_cells(kind.columns, item, console.encoding))
    except (LookupError, TypeError) as exc:
        raise click.ClickException(f"the answer is not as expected: {exc!r}; try --json") from exc
    console.print(table)


def _cells(columns: Iterable[Column], item: Item, encoding: str) -> Iterator[Text]:
    for column in columns:
        text = printable(column.read(item), encoding)
        yield Text(text, style=column.style(item))
