"""Print objects of the API as a table or as JSON lines."""

import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from operator import itemgetter

import click
from rich.table import Table
from rich.text import Text

from swrhook.cli.client import Client, Item, Query, connect, report_unexpected_answer
from swrhook.cli.options import LARGEST_PAGE
from swrhook.cli.terminal import output_console, printable, progress_bar


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its heading, how a cell is read, and the styles of certain texts."""

    heading: str
    read: Callable[[Item], str]
    unwrapped: bool = False
    styles: Mapping[str, str] = field(default_factory=dict)
    default_style: str = ""

    def cell(self, item: Item, encoding: str) -> Text:
        """Return the cell of an object."""
        text = self.read(item)
        return Text(printable(text, encoding), style=self.styles.get(text, self.default_style))


ID_COLUMN = Column("id", itemgetter("id"), unwrapped=True)


@dataclass(frozen=True, slots=True)
class Resource:
    """A collection of the API: its path, what its objects are called, and their table."""

    path: str
    singular: str
    plural: str
    columns: Sequence[Column]


def print_list(resource: Resource, query: Query, *, everything: bool, as_json: bool) -> None:
    """Print one page of a resource, or all pages."""
    client = connect()
    if everything:
        print_items(resource, _read_all(client, resource, query), as_json=as_json)
        return
    page = client.page(resource.path, query)
    print_items(resource, page["items"], as_json=as_json)
    if page["next"] is not None:
        click.echo(f"There are more: use --cursor {page['next']}, or --all.", err=True)


def print_items(resource: Resource, items: Iterable[Item], *, as_json: bool) -> None:
    """Print objects: each at once as a line of JSON, or all of them as a table."""
    if as_json:
        for item in items:
            click.echo(json.dumps(item))
    else:
        rows = list(items)
        if rows:
            print_table(resource.columns, rows)
        else:
            click.echo(f"No {resource.plural} match.", err=True)


def print_table(columns: Sequence[Column], items: Sequence[Item]) -> None:
    """Print a table without borders. Reports items that lack what a column reads."""
    console = output_console()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.heading, no_wrap=column.unwrapped, overflow="fold")
    with report_unexpected_answer():
        for item in items:
            table.add_row(*(column.cell(item, console.encoding) for column in columns))
    console.print(table)


def _read_all(client: Client, resource: Resource, query: Query) -> Iterator[Item]:
    query = {**query, "limit": query.get("limit") or LARGEST_PAGE}
    with progress_bar(f"Listing {resource.plural}") as progress:
        for items in client.pages(resource.path, query):
            progress.advance(len(items))
            yield from items
