"""A group of commands that are imported only when they run."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

import click


@dataclass(frozen=True, slots=True)
class Command:
    """Where a command is, under its own name, and what the group's help says of it."""

    module: str
    help: str


class LazyGroup(click.Group):
    """A group that knows its commands by name and help alone."""

    def __init__(self, *, commands_of: Mapping[str, Command], **options: object) -> None:
        """Take the commands by name, in the order in which help lists them."""
        super().__init__(**options)  # type: ignore[arg-type]  # click's own options
        self._commands_of = commands_of

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names."""
        del ctx
        return list(self._commands_of)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command, or return None: there is none of this name."""
        del ctx
        found = self._commands_of.get(cmd_name)
        if found is None:
            return None
        command: click.Command = getattr(import_module(found.module), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands without importing them."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, each.help) for name, each in self._commands_of.items()])
