"""The command `whatif`."""

import json
import os
import sys
from operator import itemgetter
from pathlib import Path

import click

from swrhook.cli.client import Item, connect
from swrhook.cli.options import command, json_option, text_option
from swrhook.cli.syncs import target_name
from swrhook.cli.tables import Column, print_table
from swrhook.cli.terminal import count_of, print_notice, status_line
from swrhook.config import read_secret_file
from swrhook.config.candidate import extract_excerpt
from swrhook.config.loader import read_bytes
from swrhook.config.yaml_errors import MAX_FILE_SIZE
from swrhook.errors import BadConfiguration
from swrhook.rules.plan import PlanChange

_CHANGES = [change.value for change in PlanChange]


def _overrides(example: Item) -> str:
    """Return the override of the sync before and after; "none" where there is no sync."""
    sides = (example["before"], example["after"])
    return " → ".join("none" if side is None else str(side).lower() for side in sides)


_RULE_COLUMNS = [Column("rule"), *map(Column, _CHANGES)]
_EXAMPLE_COLUMNS = [
    Column("change", styled=True),
    Column("image"),
    Column("from", itemgetter("sender")),
    Column("to", target_name),
    Column("override", _overrides),
    Column("rule", spare=1),
]


@command(
    "python -m swrhook whatif swrhook.new.yaml",
    "python -m swrhook whatif swrhook.new.yaml --since 30d --json | jq .lost",
)
@click.argument("file", metavar="NEWFILE", type=click.Path(path_type=Path))
@text_option(
    "--since",
    "Only pushes since a time (RFC 3339) or duration (24h, 30d).",
    metavar="TIME",
    default="7d",
    show_default=True,
)
@json_option("Print the whole comparison as JSON.")
def whatif(file: Path, since: str, *, as_json: bool) -> None:
    """Show what the rules in NEWFILE would have done with past pushes.

    Each recorded tag is evaluated with the rules in use and with those of NEWFILE: which syncs
    would be gained, lost, or redirected (another override)? Nothing is changed. Exit code 0 if no
    sync would differ; 1 if some would, or if NEWFILE is invalid.

    NEWFILE is a complete configuration. It is checked locally. Only rules, defaults, region names,
    and each sender's region and image are sent to the server; secrets are not read.
    """
    body = {"candidate": read_excerpt(file), "since": since}
    client = connect()
    with status_line("Comparing"):
        comparison = client.post("/api/v1/whatif", body)
    if as_json:
        click.echo(json.dumps(comparison))
    else:
        _print_comparison(comparison)
    if any(comparison[change] for change in _CHANGES):
        sys.exit(1)


def read_excerpt(file: Path) -> str:
    """Return as JSON what the server needs of a file. Raises ClickException if it is invalid."""
    environ = os.environ  # noqa: TID251  # a command reads the environment itself
    try:
        # One byte more than is allowed shows that a file is too large.
        text = read_bytes(str(file), MAX_FILE_SIZE + 1)
        part = extract_excerpt(text, file=str(file), environ=environ, read_file=read_secret_file)
    except OSError as exc:
        raise click.UsageError(f"{file} cannot be read: {exc.strerror}") from None
    except BadConfiguration as exc:
        raise click.ClickException(f"{file} is invalid:\n{exc}") from None
    return json.dumps(part)


def _print_comparison(comparison: Item) -> None:
    click.echo(
        f"Of {compared_tags(comparison)} announced since {comparison['since'][:19]}Z, "
        f"{comparison['unchanged']} would not change. Syncs: {count_changes(comparison)}."
    )
    for warning in comparison["warnings"]:
        print_notice(f"warning: {warning}")
    if comparison["rules"]:
        print_changes(comparison)


def compared_tags(comparison: Item) -> str:
    """Return how many tags were compared."""
    newest = "" if comparison["complete"] else "the newest "
    return newest + count_of(comparison["pushes"], "tag")


def count_changes(comparison: Item) -> str:
    """Return how many syncs differ, by kind."""
    return ", ".join(f"{comparison[change]} {change}" for change in _CHANGES)


def print_changes(comparison: Item) -> None:
    """Print how many syncs differ by rule, and examples of them."""
    for columns, member in ((_RULE_COLUMNS, "rules"), (_EXAMPLE_COLUMNS, "examples")):
        click.echo()
        print_table(columns, comparison[member])
