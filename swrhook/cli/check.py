"""The command `check`: is a configuration file right, and how would it read a request."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path
from typing import BinaryIO

import click

from swrhook.cli.looking import look
from swrhook.config.reading import load
from swrhook.config.values import Config
from swrhook.delivery import Delivery
from swrhook.errors import BadConfiguration
from swrhook.model import Outcome


@click.command()
@click.argument("file", default="./swrhook.yaml", envvar="SWRHOOK_CONFIG")
@click.option("--body", type=click.File("rb"), metavar="BODYFILE", help="Read this; - is stdin.")
@click.option("--source", metavar="NAME", help="With --body: the source that it was sent to.")
@click.option(
    "--header", "headers", multiple=True, metavar="NAME:VALUE", help="With --body. Repeatable."
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def check(
    context: click.Context,
    file: str,
    *,
    body: BinaryIO | None,
    source: str | None,
    headers: Sequence[str],
    as_json: bool,
) -> None:
    """Check the configuration FILE and everything that it refers to.

    FILE is $SWRHOOK_CONFIG or ./swrhook.yaml when left out. Ends with 0 when it can be used, with
    1 after naming every mistake in it.

    With --body and --source, show instead how the body of a request would be read: its outcome, the
    image tags in it, and the syncs that the rules want. Nobody is authenticated, nothing is
    recorded. Ends with 0 when it would be accepted, else with 1.
    """
    if (body is None) != (source is None) or (headers and body is None):
        raise click.UsageError("--body, --source and, if any, --header go together")
    sent = _headers(headers)
    try:
        config = load(Path(file), os.environ)  # noqa: TID251  # a command is its own start
    except BadConfiguration as exc:
        _print_mistakes(file, exc, as_json=as_json)
        context.exit(1)
    if body is None or source is None:
        _print_summary(file, config, as_json=as_json)
        return
    if source not in config.sources:
        raise click.BadParameter(f"there is no source «{source}» in {file}", param_hint="--source")
    shown = look(Delivery(sent, body.read()), config.sources[source], config)
    click.echo(json.dumps(asdict(shown)) if as_json else shown.text())
    if shown.outcome != Outcome.ACCEPTED:
        context.exit(1)


def _headers(lines: Sequence[str]) -> dict[str, str]:
    parts = [line.partition(":") for line in lines]
    if not all(colon and name.strip() for name, colon, _ in parts):
        raise click.BadParameter("write «Name: value»", param_hint="--header")
    return {name.strip().lower(): value.strip() for name, _, value in parts}


def _print_mistakes(file: str, exc: BadConfiguration, *, as_json: bool) -> None:
    if as_json:
        mistakes = [asdict(mistake) for mistake in exc.mistakes]
        click.echo(json.dumps({"file": file, "valid": False, "mistakes": mistakes}))
        return
    for mistake in exc.mistakes:
        click.echo(str(mistake), err=True)


def _print_summary(file: str, config: Config, *, as_json: bool) -> None:
    counts = {
        "sources": len(config.sources),
        "rules": len(config.rules),
        "regions": len(config.swr.regions),
    }
    if as_json:
        about = {"version": config.version, "warnings": list(config.warnings)}
        click.echo(json.dumps({"file": file, "valid": True, **counts, **about}))
        return
    counted = ", ".join(_count(number, noun) for noun, number in counts.items())
    click.echo(f"{file} is valid: {counted}, version {config.version}")
    for warning in config.warnings:
        click.echo(f"warning: {warning}")


def _count(number: int, nouns: str) -> str:
    return f"{number} {nouns.removesuffix('s') if number == 1 else nouns}"
