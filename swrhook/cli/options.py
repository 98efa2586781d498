"""Click options that several commands share, and the examples in their help."""

from collections.abc import Callable
from typing import Any, TypeVar

import click

# The largest page that the API returns.
LARGEST_PAGE = 1000

_Function = TypeVar("_Function", bound=Callable[..., object])


def examples(*lines: str) -> str:
    """Return the last paragraph of a help text: one example per line, not wrapped by click."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


def combine(*options: Callable[[Any], Any]) -> Callable[[_Function], _Function]:
    """Return one decorator for several options; help lists them in this order."""

    def decorate(command: _Function) -> _Function:
        # click lists the options of a command from the innermost decorator to the outermost.
        for option in reversed(options):
            command = option(command)
        return command

    return decorate


def json_option(
    help_text: str = "Print JSON, one object per line.",
) -> Callable[[_Function], _Function]:
    """Return the option `--json`, passed as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help=help_text)


def since_option(beginning: str, durations: str) -> Callable[[_Function], _Function]:
    """Return the option `--since`; `durations` are examples."""
    text = f"{beginning} older than a time (RFC 3339) or a duration ({durations})."
    return click.option("--since", metavar="TIME", help=text)


yes_option = click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
id_argument = click.argument("id_", metavar="ID")

list_options = combine(
    since_option("Not", "30m, 24h, 7d"),
    click.option(
        "--limit",
        type=click.IntRange(1, LARGEST_PAGE),
        help="The most items to list; default 100. With --all: per request.",
    ),
    click.option("--cursor", help="Continue at the cursor that the last list printed."),
    click.option("--all", "everything", is_flag=True, help="List everything, page by page."),
    json_option(),
)
