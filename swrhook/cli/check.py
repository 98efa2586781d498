"""The command `check`: validates a configuration, previews a body, or runs the online checks."""

import json
import os
import sys
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, BinaryIO

import click

from swrhook.cli.check_body import preview_body, preview_lines
from swrhook.cli.options import combine, command, json_option, text_option
from swrhook.cli.terminal import count_of, printable
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


def _parse_headers(_: click.Context, __: click.Parameter, lines: Sequence[str]) -> dict[str, str]:
    parts = [line.partition(":") for line in lines]
    if not all(colon and name.strip() for name, colon, _ in parts):
        raise click.BadParameter('write "Name: value"', param_hint="--header")
    return {name.strip().lower(): value.strip() for name, _, value in parts}


@dataclass(frozen=True, slots=True)
class OnlineOptions:
    """The options of `--online`."""

    online: bool
    record: Path | None
    canary: str | None
    to: str | None
    source_region: str | None
    clean: bool

    def validate(self) -> None:
        """Raise click.UsageError for options that do not belong together."""
        if not self.online and (self.record or self.canary):
            raise click.UsageError("--record and --canary need --online")
        if (self.canary is None) != (self.to is None):
            raise click.UsageError("--canary and --to need each other")
        if self.canary is None and (self.source_region or self.clean):
            raise click.UsageError("--from and --clean need --canary")


_online_options = combine(
    click.option("--online", is_flag=True, help="Also check with IAM and SWR."),
    click.option(
        "--record",
        type=click.Path(path_type=Path),
        metavar="NEWFILE",
        help="With --online: ask SWR about open facts, and write all answers with pseudonyms.",
    ),
    text_option("--canary", "With --online: sync this tag and measure.", metavar="ORG/REPO:TAG"),
    text_option("--to", "With --canary: the target.", metavar="REGION/ORG"),
    text_option("--from", "With --canary: the source region.", metavar="REGION"),
    click.option(
        "--clean",
        is_flag=True,
        help="With --canary: remove the target's tag, unless it was there before.",
    ),
)


@command(
    "python -m swrhook check swrhook.yaml",
    "python -m swrhook check --body event.json --sender harbor-prod",
    "python -m swrhook check --online --record answers.json",
    "python -m swrhook check --online --canary team-a/probe:1 --to cn-east-3/team-a --clean",
)
@click.argument("file", default="./swrhook.yaml", envvar="SWRHOOK_CONFIG")
@click.option(
    "--body", type=click.File("rb"), metavar="BODYFILE", help="The request's body; - reads stdin."
)
@text_option("--sender", "With --body: the sender of the request.", metavar="NAME")
@click.option(
    "--header",
    "headers",
    multiple=True,
    metavar="NAME:VALUE",
    callback=_parse_headers,
    help="With --body: a header of the request. Repeatable.",
)
@_online_options
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
    body: BinaryIO | None,
    sender: str | None,
    headers: Mapping[str, str],
    as_json: bool,
    **online: Any,  # noqa: ANN401  # OnlineOptions
) -> None:
    """Check the configuration FILE and everything it refers to.

    FILE defaults to $SWRHOOK_CONFIG, then ./swrhook.yaml. Exit code 0 if it is valid; 1 if it is
    not, after printing every error.

    With --body and --sender, show instead how the body of a request would be read: the outcome, the
    image tags in it, and the syncs that the rules create. The request is not authenticated, and
    nothing is recorded. Exit code 0 if it would be accepted, else 1.

    With --online, log in to IAM and check, in each region and organization that the rules name,
    whether syncs can work; prints what to fix. No image is copied. Exit code 1 on a problem.

    With --record, also ask what no public source says about SWR. NEWFILE has no secret and no name
    of yours: look through it, and attach it to a report. `simulator --recorded` replays it.

    With --canary, sync one tag for real, to a target that does not have it, and measure: the
    answer, its job, when it arrives, and whether the digest is kept.
    """
    options = OnlineOptions(source_region=online.pop("from"), **online)
    options.validate()
    if (body is None) != (sender is None) or (headers and body is None):
        raise click.UsageError("--body and --sender need each other; --header needs both of them")
    if options.online and body is not None:
        raise click.UsageError("--online and --body exclude each other")
    environ = os.environ  # noqa: TID251  # a command reads the environment itself
    try:
        config = load(Path(file), environ)
        if options.online:
            is_good = _ask_swr(file, config, environ, options, as_json=as_json)
        elif body is not None and sender is not None:
            delivery = Delivery(headers, body.read())
            is_good = _print_preview(file, config, sender, delivery, as_json=as_json)
        else:
            _print_summary(file, config, as_json=as_json)
            is_good = True
    except BadConfiguration as exc:
        mistakes = [asdict(mistake) for mistake in exc.mistakes]
        answer = {"file": file, "valid": False, "mistakes": mistakes}
        _print_answer(answer, map(str, exc.mistakes), as_json=as_json, err=not as_json)
        is_good = False
    sys.exit(0 if is_good else 1)


def _ask_swr(
    file: str,
    config: Config,
    environ: Mapping[str, str],
    options: OnlineOptions,
    *,
    as_json: bool,
) -> bool:
    """Print what SWR answers; return whether all is well."""
    # Heavy: they use the ledger and HTTP, which no other check needs.
    from swrhook.cli.answer_journal import make_journal, write_recording  # noqa: PLC0415
    from swrhook.cli.check_canary import parse_probe, run_canary  # noqa: PLC0415
    from swrhook.cli.check_online import print_report, run_online_check  # noqa: PLC0415

    journal = make_journal(config) if options.record else None
    if options.canary is not None and options.to is not None:
        names = (options.canary, options.to, options.source_region)
        probe = parse_probe(config, *names, clean=options.clean)
        report = run_canary(config, environ, probe, journal)
    else:
        report = run_online_check(config, environ, journal)
    if options.record and journal:
        write_recording(options.record, journal, report.facts)
    return print_report(file, report, as_json=as_json)


def _print_preview(
    file: str, config: Config, sender: str, delivery: Delivery, *, as_json: bool
) -> bool:
    """Print what a request of a sender would cause; return whether it would be accepted."""
    if sender not in config.senders:
        raise click.BadParameter(f'{file} has no sender "{sender}"', param_hint="--sender")
    preview = preview_body(delivery, config.senders[sender], config)
    _print_answer(preview, preview_lines(preview), as_json=as_json)
    return bool(preview["outcome"] == Outcome.ACCEPTED)


def _print_summary(file: str, config: Config, *, as_json: bool) -> None:
    counts = {
        "senders": len(config.senders),
        "rules": len(config.rules),
        "regions": len(config.swr.regions),
    }
    answer = {"file": file, "valid": True, **counts, "version": config.version}
    summary = ", ".join(count_of(count, name.removesuffix("s")) for name, count in counts.items())
    lines = [f"{file} is valid: {summary}, version {config.version}"]
    lines += [f"warning: {warning}" for warning in config.warnings]
    _print_answer({**answer, "warnings": list(config.warnings)}, lines, as_json=as_json)


def _print_answer(
    answer: Mapping[str, Any], lines: Iterable[str], *, as_json: bool, err: bool = False
) -> None:
    for line in [json.dumps(answer)] if as_json else map(printable, lines):
        click.echo(line, err=err)
