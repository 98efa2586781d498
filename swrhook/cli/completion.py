"""The command `completion`: prints what a shell runs to complete this command line."""

import click
from click.shell_completion import BashComplete, FishComplete, ZshComplete

from swrhook.cli import main
from swrhook.cli.options import command

_PROGRAM = "swrhook"
_SHELLS = {"bash": BashComplete, "zsh": ZshComplete, "fish": FishComplete}


@command(
    "python -m swrhook completion bash",
    "python -m swrhook completion fish",
)
@click.argument("shell", type=click.Choice([*_SHELLS]))
def completion(shell: str) -> None:
    """Print the code with which SHELL completes commands, options and their values.

    It is for the installed program `swrhook`. In ~/.bashrc or ~/.zshrc:

    \b
      eval "$(swrhook completion bash)"
      eval "$(swrhook completion zsh)"

    For fish:

    \b
      swrhook completion fish > ~/.config/fish/completions/swrhook.fish
    """  # noqa: D301  # click reads the character itself
    complete = _SHELLS[shell](main, {}, _PROGRAM, f"_{_PROGRAM.upper()}_COMPLETE")
    click.echo(complete.source())
