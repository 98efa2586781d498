"""The command `check`: is a configuration file right, before it is used."""

import json
import os
from dataclasses import asdict
from pathlib import Path

import click

from swrhook.config.reading import load
from swrhook.config.values import Config
from swrhook.errors import BadConfiguration


@click.command()
@click.argument("file", default="./swrhook.yaml", envvar="SWRHOOK_CONFIG")
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def check(context: click.Context, file: str, *, as_json: bool) -> None:
    """Check the configuration FILE and everything that it refers to.

    FILE is $SWRHOOK_CONFIG or ./swrhook.yaml when left out. Ends with 0 when it can be used, with
    1 after naming every mistake in it.
    """
    try:
        config = load(Path(file), os.environ)  # noqa: TID251  # a command is its own start
    except BadConfiguration as exc:
        _print_mistakes(file, exc, as_json=as_json)
        context.exit(1)
    _print_summary(file, config, as_json=as_json)


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
