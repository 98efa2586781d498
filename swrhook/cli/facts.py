"""Print what one object consists of: names with their values, and sections."""

from collections.abc import Sequence

import click
from rich.text import Text

from swrhook.cli.layout import lay_out
from swrhook.cli.syncs import short_time
from swrhook.cli.tables import format_age
from swrhook.cli.terminal import STYLES, output_console, printable

Fact = tuple[str, str | None]


def print_facts(facts: Sequence[Fact]) -> None:
    """Print names with their values; those without a value are left out."""
    console = output_console()
    rows = [(printable(name), printable(value)) for name, value in facts if value]
    if not console.is_terminal:
        for row in rows:
            click.echo("\t".join(row))
        return
    cells = [[Text(name, "dim"), Text(value, STYLES.get(value, ""))] for name, value in rows]
    for line in lay_out(cells, console.width):
        console.print(line, soft_wrap=True)


def print_section(title: str) -> None:
    """Print the title of what follows, after an empty line."""
    console = output_console()
    console.print()
    console.print(Text(title, "bold"), soft_wrap=True)


def describe_time(time: str | None) -> str | None:
    """Return a time and how long ago it is."""
    return time and f"{short_time(time)}, {format_age(time)} ago"
