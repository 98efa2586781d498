"""Terminal output: consoles, progress bars, and text that is safe to print."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import click
from rich.console import Console
from rich.progress import (
    BarColumn,
    MofNCompleteColumn,
    Progress,
    TaskID,
    TextColumn,
    TimeElapsedColumn,
)
from rich.status import Status

# Wider than any row: piped output is neither cut nor wrapped.
_UNLIMITED = 100_000

# The style of every state, outcome, level, result and change; others are plain.
_STYLED_WORDS = {
    "green": "accepted available done gained matched ok on sent sync unverified verified",
    "yellow": "attachment calling comparing discovering excluded gathering ordering pending planned"
    " redirected sending shadow silent warning",
    "red": "changed diverged exhausted failed lost missing not problem quarantined"
    " refused rejected",
    "cyan": "triggered",
    "dim": "cancelled duplicate ignored superseded unknown",
}
STYLES = {word: style for style, words in _STYLED_WORDS.items() for word in words.split()}


def output_console() -> Console:
    """Return a console on stdout: as wide as the terminal, or unlimited and plain in a pipe."""
    console = Console(highlight=False)
    if console.is_terminal:
        return console
    return Console(highlight=False, width=_UNLIMITED, no_color=True)


def printable(text: str) -> str:
    """Replace what stdout's encoding lacks, and control characters: they could steer the terminal.

    Names and reasons come from senders, who may be hostile.
    """
    # Below a progress bar or a status line, sys.stdout is one of rich's, without an encoding.
    encoding = sys.stdout.encoding or getattr(sys.__stdout__, "encoding", None) or "utf-8"
    visible = "".join(character if character.isprintable() else "?" for character in text)
    return visible.encode(encoding, "replace").decode(encoding)


def printable_lines(text: str) -> str:
    """Make each line of a text printable."""
    return "\n".join(map(printable, text.split("\n")))


def print_notice(text: str) -> None:
    """Print lines on stderr."""
    click.echo(printable_lines(text), err=True)


def count_of(number: int, singular: str, plural: str = "") -> str:
    """Return a number with its noun, such as "1 sync" or "2 syncs"."""
    return f"{number} {singular if number == 1 else plural or f'{singular}s'}"


@dataclass(frozen=True, slots=True)
class ProgressBar:
    """A bar that counts completed steps."""

    progress: Progress
    task: TaskID

    def advance(self, steps: int = 1) -> None:
        """Count more completed steps."""
        self.progress.advance(self.task, steps)

    def complete(self, steps: int) -> None:
        """Set the number of completed steps."""
        self.progress.update(self.task, completed=steps)

    def print(self, text: str) -> None:
        """Print a line on stderr, above the bar."""
        self.progress.console.print(
            printable_lines(text), markup=False, highlight=False, soft_wrap=True
        )


@contextmanager
def progress_bar(
    description: str, total: int | None = None, *, disable: bool = False
) -> Iterator[ProgressBar]:
    """Show a progress bar on stderr, only on a terminal; without a total it has no end."""
    console = Console(stderr=True)
    with Progress(
        TextColumn("{task.description}"),
        BarColumn(),
        TextColumn("{task.completed:.0f}") if total is None else MofNCompleteColumn(),
        TimeElapsedColumn(),
        console=console,
        transient=True,
        disable=disable or not console.is_terminal,
    ) as progress:
        yield ProgressBar(progress, progress.add_task(description, total=total))


@contextmanager
def status_line(text: str) -> Iterator[Status | None]:
    """Show a status line on stderr; yields None if stderr is not a terminal."""
    console = Console(stderr=True)
    if not console.is_terminal:
        yield None
        return
    with console.status(text) as status:
        yield status
