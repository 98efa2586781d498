"""The command `whatif`."""

import json
import os
from pathlib import Path

import click
from rich.console import Console
from rich.table import Table
from rich.text import Text

from swrhook.cli.client import Client, Item, connect
from swrhook.cli.terminal import examples, printable, screen
from swrhook.config import read_secret_file
from swrhook.config.candidate import extract_excerpt
from swrhook.config.loader import read_bytes
from swrhook.config.yaml_errors import MAX_FILE_SIZE
from swrhook.errors import BadConfiguration
from swrhook.rules.plan import PlanChange

_STYLES = {PlanChange.GAINED: "green", PlanChange.LOST: "red", PlanChange.REDIRECTED: "yellow"}


@click.command(
    epilog=examples(
        "python -m swrhook whatif swrhook.new.yaml",
        "python -m swrhook whatif swrhook.new.yaml --since 30d --json | jq .lost",
    )
)
@click.argument("file", metavar="NEWFILE", type=click.Path(path_type=Path))
@click.option(
    "--since",
    metavar="TIME",
    default="7d",
    show_default=True,
    help="Pushes not older than a time (RFC 3339) or 24h, 30d.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the whole comparison as JSON.")
@click.pass_context
def whatif(context: click.Context, /, file: Path, since: str, *, as_json: bool) -> None:
    """Say what the rules in NEWFILE would have done with the pushes that came.

    Each tag that was announced is put before the rules in use and before those of NEWFILE: which
    syncs would be gained, lost, or redirected (another override)? Nothing is changed. Ends with 0
    when none is, with 1 when some are or NEWFILE is wrong.

    NEWFILE is a whole configuration. It is checked here, and of it only rules, defaults, names of
    regions, and each sender's region and image are sent; secrets are not even read.
    """
    question = {"candidate": _candidate(file), "since": since}
    compared = _ask(connect(), question)
    try:
        if as_json:
            click.echo(json.dumps(compared))
        else:
            _print(compared)
        is_same = not any(compared[change.value] for change in PlanChange)
    except (LookupError, TypeError) as exc:
        raise click.ClickException(f"the answer is not as expected: {exc!r}; try --json") from exc
    if not is_same:
        context.exit(1)


def _candidate(file: Path) -> str:
    environ = os.environ  # noqa: TID251  # a command is its own start
    try:
        text = read_bytes(str(file), MAX_FILE_SIZE + 1)
        part = extract_excerpt(text, file=str(file), environ=environ, read_file=read_secret_file)
    except OSError as exc:
        raise click.UsageError(f"{file} cannot be read: {exc.strerror}") from None
    except BadConfiguration as exc:
        raise click.ClickException(f"{file} is wrong:\n{exc}") from None
    return json.dumps(part)


def _ask(client: Client, question: Item) -> Item:
    console = Console(stderr=True)
    if not console.is_terminal:
        return client.ask("/api/v1/whatif", question)
    with console.status("comparing"):
        return client.ask("/api/v1/whatif", question)


def _print(compared: Item) -> None:
    console = screen()
    newest = "" if compared["complete"] else "the newest "
    counts = ", ".join(f"{compared[change.value]} {change.value}" for change in PlanChange)
    console.print(
        f"Of {newest}{compared['pushes']} tags announced since {compared['since'][:19]}Z, "
        f"{compared['unchanged']} stay as they are. Syncs: {counts}.",
        markup=False,
    )
    for warning in compared["warnings"]:
        click.echo(f"warning: {printable(warning, console.encoding)}", err=True)
    if compared["rules"]:
        console.print()
        console.print(_rules(compared, console.encoding))
        console.print()
        console.print(_examples(compared, console.encoding))


def _rules(compared: Item, encoding: str) -> Table:
    table = _table("rule", *(change.value for change in PlanChange))
    for each in compared["rules"]:
        counts = [str(each[change.value]) for change in PlanChange]
        table.add_row(Text(printable(each["rule"], encoding)), *counts)
    return table


def _examples(compared: Item, encoding: str) -> Table:
    table = _table("change", "image", "from", "to", "override", "rule")
    for each in compared["examples"]:
        override = " → ".join(_word(each[side]) for side in ("before", "after"))
        told = [
            each["image"],
            each["sender"],
            f"{each['target_region']}/{each['target_namespace']}",
            override,
            each["rule"],
        ]
        style = _STYLES.get(each["change"], "")
        table.add_row(
            Text(each["change"], style=style), *(Text(printable(text, encoding)) for text in told)
        )
    return table


def _table(*headings: str) -> Table:
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in headings:
        table.add_column(heading, overflow="fold")
    return table


def _word(override: bool | None) -> str:  # noqa: FBT001  # a column
    return "none" if override is None else str(override).lower()
