"""What the commands that change many objects share: the question, the bar, the refusals."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from urllib.parse import quote

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from swrhook.cli.client import Client, Declined, Item
from swrhook.cli.tables import Kind


@dataclass(frozen=True, slots=True)
class BulkAction:
    """One change to objects of a kind: the last part of its path, and what the bar says.

    `declined` are the ids of those that could not be changed, as they come.
    """

    kind: Kind
    action: str
    doing: str
    declined: list[str] = field(default_factory=list)

    def apply(self, client: Client, ids: Sequence[str]) -> Iterator[Item]:
        """Yield the changed objects; tell which ones cannot be, and go on."""
        console = Console(stderr=True)
        columns = (TextColumn(self.doing), BarColumn(), MofNCompleteColumn())
        is_shown = console.is_terminal and len(ids) > 1
        with Progress(*columns, console=console, transient=True, disable=not is_shown) as progress:
            for each in progress.track(ids):
                try:
                    yield client.post(f"{self.kind.path}/{quote(each, safe='')}/{self.action}")
                except Declined as exc:
                    self.declined.append(each)
                    console.print(
                        f"{each}: {exc.message}", markup=False, highlight=False, soft_wrap=True
                    )


def confirm(plan: str, question: str, *, yes: bool) -> None:
    """Say what is going to happen and ask, unless told not to. Aborts when the person declines."""
    click.echo(plan, err=True)
    if not yes:
        click.confirm(question, abort=True, err=True)
