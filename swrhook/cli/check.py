"""The command `check`: is a configuration file right, and how would it read a request."""

import json
import os
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import click

from swrhook.cli.check_body import look
from swrhook.cli.check_online import look_online, print_findings
from swrhook.cli.terminal import examples
from swrhook.config.json_schema import json_schema
from swrhook.config.loader import load
from swrhook.config.model import Config
from swrhook.errors import BadConfiguration
from swrhook.model import Outcome
from swrhook.senders.delivery import Delivery


def _print_schema(context: click.Context, _: click.Parameter, asked: bool) -> None:  # noqa: FBT001
    if asked:
        click.echo(json.dumps(json_schema(), indent=2))
        context.exit()


@click.command(
    epilog=examples(
        "python -m swrhook check swrhook.yaml",
        "python -m swrhook check --body event.json --sender harbor-prod",
    )
)
@click.argument("file", default="./swrhook.yaml", envvar="SWRHOOK_CONFIG")
@click.option("--body", type=click.File("rb"), metavar="BODYFILE", help="Read this; - is stdin.")
@click.option("--sender", metavar="NAME", help="With --body: the sender that it was sent to.")
@click.option(
    "--header", "headers", multiple=True, metavar="NAME:VALUE", help="With --body. Repeatable."
)
@click.option("--online", is_flag=True, help="Ask IAM and SWR as well; nothing is changed there.")
@click.option(
    "--schema",
    is_flag=True,
    is_eager=True,
    expose_value=False,
    callback=_print_schema,
    help="Print a JSON Schema of the file, for editors.",
)
@click.option("--json", "as_json", is_flag=True, help="Print the result as JSON.")
@click.pass_context
def check(
    context: click.Context,
    /,
    file: str,
    *,
    online: bool,
    as_json: bool,
    **request: Any,  # noqa: ANN401  # click's values
) -> None:
    """Check the configuration FILE and everything that it refers to.

    FILE is $SWRHOOK_CONFIG or ./swrhook.yaml when left out. Ends with 0 when it can be used, with
    1 after naming every mistake in it.

    With --body and --sender, show instead how the body of a request would be read: its outcome, the
    image tags in it, and the syncs that the rules want. Nobody is authenticated, nothing is
    recorded. Ends with 0 when it would be accepted, else with 1.

    With --online, log in to IAM, and ask each region and each organization that the rules name
    whether a sync can work; shows what to fix. No image is copied. Ends with 1 on a problem.
    """
    sent = _Sent(**request)
    sent.check(online=online)
    environ = os.environ  # noqa: TID251  # a command is its own start
    try:
        config = load(Path(file), environ)
        if online:
            is_well = print_findings(file, look_online(config, environ), as_json=as_json)
        elif sent.body is not None:
            is_well = _print_look(file, config, sent, as_json=as_json)
        else:
            is_well = _print_summary(file, config, as_json=as_json)
    except BadConfiguration as exc:
        is_well = _print_mistakes(file, exc, as_json=as_json)
    context.exit(0 if is_well else 1)


@dataclass(frozen=True, slots=True)
class _Sent:
    """The request that is to be read, if any."""

    body: BinaryIO | None
    sender: str | None
    headers: Sequence[str]

    def check(self, *, online: bool) -> None:
        """Raise UsageError for options that do not go together."""
        if (self.body is None) != (self.sender is None) or (self.headers and self.body is None):
            raise click.UsageError("--body, --sender and, if any, --header go together")
        if online and self.body is not None:
            raise click.UsageError("--online and --body do not go together")
        _headers(self.headers)


def _print_look(file: str, config: Config, sent: _Sent, *, as_json: bool) -> bool:
    sender = config.senders.get(str(sent.sender))
    if sender is None or sent.body is None:
        raise click.BadParameter(
            f"there is no sender «{sent.sender}» in {file}", param_hint="--sender"
        )
    shown = look(Delivery(_headers(sent.headers), sent.body.read()), sender, config)
    click.echo(json.dumps(asdict(shown)) if as_json else shown.text())
    return shown.outcome == Outcome.ACCEPTED


def _headers(lines: Sequence[str]) -> dict[str, str]:
    parts = [line.partition(":") for line in lines]
    if not all(colon and name.strip() for name, colon, _ in parts):
        raise click.BadParameter("write «Name: value»", param_hint="--header")
    return {name.strip().lower(): value.strip() for name, _, value in parts}


def _print_mistakes(file: str, exc: BadConfiguration, *, as_json: bool) -> bool:
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
        about = {"version": config.version, "warnings": list(config.warnings)}
        click.echo(json.dumps({"file": file, "valid": True, **counts, **about}))
        return True
    counted = ", ".join(_count(number, noun) for noun, number in counts.items())
    click.echo(f"{file} is valid: {counted}, version {config.version}")
    for warning in config.warnings:
        click.echo(f"warning: {warning}")
    return True


def _count(number: int, nouns: str) -> str:
    return f"{number} {nouns.removesuffix('s') if number == 1 else nouns}"
