"""The command `check`: validates a configuration, previews a body, or runs the online checks."""

import json
import os
import sys
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import click

from swrhook.cli.check_body import preview_body, preview_lines
from swrhook.cli.check_online import print_results, run_online_check
from swrhook.cli.options import examples, json_option
from swrhook.cli.terminal import count_of, output_console, printable
from swrhook.config.json_schema import json_schema
from swrhook.config.loader import load
from swrhook.config.model import Config
from swrhook.errors import BadConfiguration
from swrhook.model import Outcome
from swrhook.senders.delivery import Delivery


def _print_schema(context: click.Context, _: click.Parameter, requested: bool) -> None:  # noqa: FBT001
    if requested:
        click.echo(json.dumps(json_schema(), indent=2))
        context.exit()


@click.command(
    epilog=examples(
        "python -m swrhook check swrhook.yaml",
        "python -m swrhook check --body event.json --sender harbor-prod",
    )
)
@click.argument("file", default="./swrhook.yaml", envvar="SWRHOOK_CONFIG")
@click.option(
    "--body", type=click.File("rb"), metavar="BODYFILE", help="The request's body; - reads stdin."
)
@click.option("--sender", metavar="NAME", help="With --body: the sender of the request.")
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="NAME:VALUE",
    help="With --body: a header of the request. Repeatable.",
)
@click.option("--online", is_flag=True, help="Also check with IAM and SWR; changes nothing there.")
@click.option(
    "--schema",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_schema,
    help="Print the JSON Schema of the file, for editors.",
)
@json_option("Print the result as JSON.")
def check(
    file: str,
    *,
    online: bool,
    as_json: bool,
    **options: Any,  # noqa: ANN401  # click's values
) -> None:
    """Check the configuration FILE and everything it refers to.

    FILE defaults to $SWRHOOK_CONFIG, then ./swrhook.yaml. Exit code 0 if it is valid; 1 if it is
    not, after printing every error.

    With --body and --sender, show instead how the body of a request would be read: the outcome, the
    image tags in it, and the syncs that the rules create. The request is not authenticated, and
    nothing is recorded. Exit code 0 if it would be accepted, else 1.

    With --online, log in to IAM and check, in each region and organization that the rules name,
    whether syncs can work; prints what to fix. No image is copied. Exit code 1 on a problem.
    """
    request = _RequestOptions(**options)
    request.check(online=online)
    environ = os.environ  # noqa: TID251  # a command reads the environment itself
    try:
        config = load(Path(file), environ)
        if online:
            is_good = print_results(file, run_online_check(config, environ), as_json=as_json)
        elif request.body is not None:
            is_good = _print_preview(file, config, request, as_json=as_json)
        else:
            is_good = _print_summary(file, config, as_json=as_json)
    except BadConfiguration as exc:
        is_good = _print_errors(file, exc, as_json=as_json)
    sys.exit(0 if is_good else 1)


@dataclass(frozen=True, slots=True)
class _RequestOptions:
    """The options that describe a request to preview."""

    body: BinaryIO | None
    sender: str | None
    headers: Sequence[str]

    def check(self, *, online: bool) -> None:
        """Raise UsageError for options that exclude or require each other."""
        if (self.body is None) != (self.sender is None) or (self.headers and self.body is None):
            raise click.UsageError(
                "--body and --sender need each other; --header needs both of them"
            )
        if online and self.body is not None:
            raise click.UsageError("--online and --body exclude each other")
        _parse_headers(self.headers)


def _print_preview(file: str, config: Config, request: _RequestOptions, *, as_json: bool) -> bool:
    sender = config.senders.get(str(request.sender))
    if sender is None or request.body is None:
        raise click.BadParameter(f'{file} has no sender "{request.sender}"', param_hint="--sender")
    delivery = Delivery(_parse_headers(request.headers), request.body.read())
    preview = preview_body(delivery, sender, config)
    if as_json:
        click.echo(json.dumps(preview))
    else:
        encoding = output_console().encoding
        for line in preview_lines(preview):
            click.echo(printable(line, encoding))
    return bool(preview["outcome"] == Outcome.ACCEPTED)


def _parse_headers(lines: Sequence[str]) -> dict[str, str]:
    parts = [line.partition(":") for line in lines]
    if not all(colon and name.strip() for name, colon, _ in parts):
        raise click.BadParameter('write "Name: value"', param_hint="--header")
    return {name.strip().lower(): value.strip() for name, _, value in parts}


def _print_errors(file: str, exc: BadConfiguration, *, as_json: bool) -> bool:
    if as_json:
        mistakes = [asdict(mistake) for mistake in exc.mistakes]
        click.echo(json.dumps({"file": file, "valid": False, "mistakes": mistakes}))
        return False
    for mistake in exc.mistakes:
        click.echo(str(mistake), err=True)
    return False


def _print_summary(file: str, config: Config, *, as_json: bool) -> bool:
    counts = {
        "senders": len(config.senders),
        "rules": len(config.rules),
        "regions": len(config.swr.regions),
    }
    if as_json:
        details = {"version": config.version, "warnings": list(config.warnings)}
        click.echo(json.dumps({"file": file, "valid": True, **counts, **details}))
        return True
    summary = ", ".join(count_of(count, name.removesuffix("s")) for name, count in counts.items())
    click.echo(f"{file} is valid: {summary}, version {config.version}")
    for warning in config.warnings:
        click.echo(f"warning: {warning}")
    return True
