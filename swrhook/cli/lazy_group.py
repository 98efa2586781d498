"""A click group that imports a command only when it runs, so that `--help` stays fast."""

from collections.abc import Mapping
from dataclasses import dataclass
from importlib import import_module

import click


@dataclass(frozen=True, slots=True)
class Command:
    """The module that defines a command under its own name, and the command's short help."""

    module: str
    help: str


class LazyGroup(click.Group):
    """A group that lists its commands from a table, without importing them."""

    def __init__(self, *, commands_of: Mapping[str, Command], **options: object) -> None:
        """Take the commands by name, in the order of the help."""
        super().__init__(**options)  # type: ignore[arg-type]  # click's own options
        self._commands_of = commands_of

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of the commands."""
        del ctx
        return list(self._commands_of)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Import a command; return None if there is none of this name."""
        del ctx
        entry = self._commands_of.get(cmd_name)
        if entry is None:
            return None
        command: click.Command = getattr(import_module(entry.module), cmd_name)
        return command

    def format_commands(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the list of commands. click's own method would import every command."""
        del ctx
        with formatter.section("Commands"):
            formatter.write_dl([(name, entry.help) for name, entry in self._commands_of.items()])
