"""Print objects of the API: a table on a terminal, tab-separated lines in a pipe, or JSON lines."""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from urllib.parse import quote

import click
from rich.text import Text

from swrhook.cli.client import Client, Item, Query
from swrhook.cli.layout import fit_columns, lay_out
from swrhook.cli.options import LARGEST_PAGE
from swrhook.cli.terminal import STYLES, output_console, print_notice, printable, progress_bar


@dataclass(frozen=True, slots=True)
class Column:
    """A column of a table: its heading and how a cell is read.

    By default, a cell is the member with the name of the heading. Cells of a `styled` column have
    the style of their first word, see STYLES. On a narrow terminal, columns
    are left out by their rank in `spare`, and a last column that is `prose` is shortened. On any
    terminal, a column is left out if all its cells are empty, or `nothing`.
    """

    heading: str
    read: Callable[[Item], str] | None = None
    styled: bool = False
    spare: int = 0  # from 1, which is missed least; 0: never left out
    prose: bool = False
    nothing: str = ""

    def cell(self, item: Item) -> Text:
        """Return the cell of an object."""
        text = self.read(item) if self.read else str(item[self.heading])
        word = text.partition(" ")[0].rstrip(":") if self.styled else ""
        return Text(printable(text), style=STYLES.get(word, ""))


ID_COLUMN = Column("id", spare=1)


def age_column(member: str, heading: str = "age") -> Column:
    """Return a column that says how long ago the time in this member of an object is."""
    return Column(heading, lambda item: format_age(item[member]))


def format_age(time: str | None) -> str:
    """Return how long ago a time (RFC 3339) is, in the largest unit: `3 min`; None is `never`."""
    if time is None:
        return "never"
    seconds = (datetime.now(UTC) - datetime.fromisoformat(time)) // timedelta(seconds=1)
    size, unit = next((unit for unit in _UNITS if seconds >= unit[0]), _UNITS[-1])
    return f"{max(seconds, 0) // size} {unit}"


_UNITS = ((86400, "d"), (3600, "h"), (60, "min"), (1, "s"))


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

    def page(self, client: Client, query: Query) -> Item:
        """Return a page: its `items`, and as `next` the cursor of the next page."""
        return client.page(self.path, query)

    def pages(self, client: Client, query: Query) -> Iterator[Sequence[Item]]:
        """Yield the items of every page, following the cursor; shows the progress."""
        query = {**query, "limit": query.get("limit") or LARGEST_PAGE}
        with progress_bar(f"Listing {self.plural}") as progress:
            page = self.page(client, query)
            yield page["items"]
            while page["next"] is not None:
                progress.advance(len(page["items"]))
                page = self.page(client, {**query, "cursor": page["next"]})
                yield page["items"]


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
        print_notice(f"No {resource.plural} found.")


def print_table(columns: Sequence[Column], items: Sequence[Item]) -> None:
    """Print a table without borders."""
    console = output_console()
    if not console.is_terminal:
        click.echo("\n".join(plain_lines(columns, items)))
        return
    for line in table_lines(columns, items, console.width):
        console.print(line, soft_wrap=True)


def table_lines(columns: Sequence[Column], items: Sequence[Item], width: int) -> Iterator[Text]:
    """Yield the lines of a table for a terminal of this width, without columns that say nothing."""
    heading = [Text(column.heading, style="bold") for column in columns]
    rows = _cells(columns, items)
    filled = [
        (column, cells)
        for column, *cells in zip(columns, heading, *rows, strict=True)
        if any(cell.plain not in ("", column.nothing) for cell in cells[1:])
    ]
    shown, table = zip(*filled, strict=True)
    ranks = {number: column.spare for number, column in enumerate(shown) if column.spare}
    spare = sorted(ranks, key=ranks.__getitem__)
    lines = fit_columns([*zip(*table, strict=True)], width, spare, prose=shown[-1].prose)
    return lay_out(lines, width)


def plain_lines(
    columns: Sequence[Column], items: Sequence[Item], *, heading: bool = True
) -> Iterator[str]:
    """Yield lines for programs: cells between tabs, neither padded nor cut."""
    if heading:
        yield "\t".join(column.heading for column in columns)
    for row in _cells(columns, items):
        yield "\t".join(cell.plain for cell in row)


def _cells(columns: Sequence[Column], items: Sequence[Item]) -> list[list[Text]]:
    return [[column.cell(item) for column in columns] for item in items]
