"""Print objects of the API as a table or as JSON lines."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from urllib.parse import quote

import click
from rich.table import Table
from rich.text import Text

from swrhook.cli.client import Client, Item, Query, connect, report_unexpected_answer
from swrhook.cli.options import LARGEST_PAGE
from swrhook.cli.terminal import STYLES, output_console, print_notice, printable, progress_bar


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its heading and how a cell is read.

    By default, a cell is the member with the name of the heading. Words in a `styled` column have
    their STYLES.
    """

    heading: str
    read: Callable[[Item], str] | None = None
    unwrapped: bool = False
    styled: bool = False

    def cell(self, item: Item) -> Text:
        """Return the cell of an object."""
        text = self.read(item) if self.read else str(item[self.heading])
        return Text(printable(text), style=STYLES.get(text, "") if self.styled else "")


ID_COLUMN = Column("id", unwrapped=True)


@dataclass(frozen=True, slots=True)
class Resource:
    """A collection of the API: its path, what its objects are called, and their table."""

    path: str
    singular: str
    plural: str
    columns: Sequence[Column]

    def item_path(self, item_id: str) -> str:
        """Return the API's path of one object."""
        return f"{self.path}/{quote(item_id, safe='')}"


def format_time(time: str) -> str:
    """Return an RFC 3339 time in UTC to the minute."""
    return time[:16].replace("T", " ")


def print_list(resource: Resource, query: Query, *, everything: bool, as_json: bool) -> None:
    """Print one page of a resource, or all pages."""
    client = connect()
    if everything:
        print_items(resource, _read_all(client, resource, query), as_json=as_json)
        return
    page = client.page(resource.path, query)
    print_items(resource, page["items"], as_json=as_json)
    if page["next"] is not None:
        print_notice(f"There are more: use --cursor {page['next']}, or --all.")


def print_items(
    resource: Resource, items: Iterable[Item], *, as_json: bool, report_none: bool = True
) -> None:
    """Print objects: each at once as a line of JSON, or all of them as a table."""
    if as_json:
        for item in items:
            click.echo(json.dumps(item))
    elif rows := list(items):
        print_table(resource.columns, rows)
    elif report_none:
        print_notice(f"No {resource.plural} match.")


def print_table(columns: Sequence[Column], items: Sequence[Item]) -> None:
    """Print a table without borders. Reports items that lack what a column reads."""
    console = output_console()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for column in columns:
        table.add_column(column.heading, no_wrap=column.unwrapped, overflow="fold")
    with report_unexpected_answer():
        for item in items:
            table.add_row(*(column.cell(item) for column in columns))
    console.print(table)


def _read_all(client: Client, resource: Resource, query: Query) -> Iterator[Item]:
    query = {**query, "limit": query.get("limit") or LARGEST_PAGE}
    with progress_bar(f"Listing {resource.plural}") as progress:
        for items in client.pages(resource.path, query):
            progress.advance(len(items))
            yield from items
