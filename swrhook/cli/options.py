"""Click options that several commands share, and the examples in their help."""

from collections.abc import Callable, Collection, Iterable
from datetime import timedelta
from typing import Any, TypeVar

import click

from swrhook.units import parse_duration

# The largest page that the API returns.
LARGEST_PAGE = 1000

# None, a text, or a tuple of texts.
_Value = TypeVar("_Value")
_Function = TypeVar("_Function", bound=Callable[..., object])


def examples(*lines: str) -> str:
    """Return the last paragraph of a help text: one example per line, not wrapped by click."""
    return "\n".join(["\b", "Examples:", *(f"  {line}" for line in lines)])


def command(*lines: str) -> Callable[[Callable[..., object]], click.Command]:
    """Return a decorator that makes a command, with these examples in its help."""
    return click.command(epilog=examples(*lines))


def combine(*options: Callable[[Any], Any]) -> Callable[[_Function], _Function]:
    """Return one decorator for several options; help lists them in this order."""

    def decorate(function: _Function) -> _Function:
        # click lists the options of a command from the innermost decorator to the outermost.
        for option in reversed(options):
            function = option(function)
        return function

    return decorate


class DurationType(click.ParamType[timedelta]):
    """A duration like `30s`."""

    name = "duration"

    def convert(
        self, value: str | timedelta, param: click.Parameter | None, ctx: click.Context | None
    ) -> timedelta:
        """Return the duration of a text."""
        try:
            return value if isinstance(value, timedelta) else parse_duration(value)
        except ValueError as exc:
            self.fail(str(exc), param, ctx)


def _refuse_empty(context: click.Context, option: click.Parameter, value: _Value) -> _Value:
    # With IMAGE unset, `--image "$IMAGE"` must not select every image.
    if value == "" or (isinstance(value, tuple) and "" in value):
        name = option.opts[0] if isinstance(option, click.Option) else option.make_metavar(context)
        raise click.UsageError(f"{name.strip('[].')} must not be empty")
    return value


def text_option(
    option: str,
    help_text: str,
    *,
    name: str | None = None,
    **attributes: Any,  # noqa: ANN401  # click's
) -> Callable[[_Function], _Function]:
    """Return an option whose value is a text that is not empty; `name` is its parameter's name."""
    names = (option, name) if name else (option,)
    return click.option(*names, help=help_text, callback=_refuse_empty, **attributes)


def choice_option(
    name: str, choices: Iterable[str], beginning: str, *, multiple: bool = False
) -> Callable[[_Function], _Function]:
    """Return an option whose value is one of the choices; its help ends with them."""
    values = [str(choice) for choice in choices]
    return click.option(
        name,
        type=click.Choice(values),
        multiple=multiple,
        metavar=name.removeprefix("--").upper(),
        help=f"{beginning} {', '.join(values)}.",
    )


def json_option(text: str = "Print JSON, one object per line.") -> Callable[[_Function], _Function]:
    """Return the option `--json`, passed as `as_json`."""
    return click.option("--json", "as_json", is_flag=True, help=text)


def timeout_option(help_text: str) -> Callable[[_Function], _Function]:
    """Return the option `--timeout`."""
    return click.option(
        "--timeout",
        type=click.IntRange(0),
        default=600,
        show_default=True,
        metavar="SECONDS",
        help=help_text,
    )


def since_option(beginning: str, durations: str) -> Callable[[_Function], _Function]:
    """Return the option `--since`; `durations` are examples."""
    text = f"{beginning} older than a time (RFC 3339) or a duration ({durations})."
    return text_option("--since", text, metavar="TIME")


def _at_least_a_second(
    _: click.Context, option: click.Parameter, value: timedelta | None
) -> timedelta | None:
    if value is not None and value < timedelta(seconds=1):
        raise click.BadParameter("must be at least 1s", param=option)
    return value


watch_option = click.option(
    "--watch",
    type=DurationType(),
    is_flag=False,
    flag_value="2s",
    metavar="[DURATION]",
    callback=_at_least_a_second,
    help="Keep the list up to date, every 2s or DURATION, until Ctrl-C.",
)
yes_option = click.option("--yes", is_flag=True, help="Do not ask for confirmation.")
id_argument = click.argument("id_", metavar="ID", callback=_refuse_empty)
optional_id_argument = click.argument("id_", metavar="[ID]", required=False, callback=_refuse_empty)

list_options = combine(
    since_option("Not", "30m, 24h, 7d"),
    click.option(
        "--limit",
        type=click.IntRange(1, LARGEST_PAGE),
        help="The most items to list; default 100. With --all: per request.",
    ),
    text_option("--cursor", "Continue at the cursor that the last list printed."),
    click.option("--all", "everything", is_flag=True, help="List everything, page by page."),
    watch_option,
    json_option(),
)


def bulk_options(selector: str, durations: str) -> Callable[[_Function], _Function]:
    """Return the ids, and the options of a command that changes many objects.

    `selector` is the name of the option that selects objects instead of ids.
    """
    return combine(
        click.argument("ids", nargs=-1, metavar="[ID]...", callback=_refuse_empty),
        since_option(f"With --{selector}: not", durations),
        yes_option,
        json_option(),
    )


def sync_selection(states: Collection[str]) -> Callable[[_Function], _Function]:
    """Return the ids, and the options that select syncs in one of these states instead."""
    beginning = "Instead of ids: all syncs in this state. Repeatable."
    return combine(
        choice_option("--state", sorted(states), beginning, multiple=True),
        text_option("--region", "With --state: only to this region."),
        text_option("--namespace", "With --state: only to this organization."),
        text_option("--image", "With --state: only of this image.", metavar="NS/REPO[:TAG]"),
        bulk_options("state", "24h"),
    )
