"""Syncs one tag to measure SWR, for `check --online --canary`."""

import time
from collections.abc import Mapping

import click

from swrhook.cli.answer_journal import AnswerJournal
from swrhook.cli.check_online import OnlineReport
from swrhook.cli.online_client import open_client
from swrhook.cli.terminal import status_line
from swrhook.clock import SystemClock
from swrhook.config.model import Config
from swrhook.model import Lane, Target
from swrhook.swr_names import is_namespace, is_repository, is_tag
from swrhook.usecases.canary import Canary, LastAnswer, Probe


def parse_probe(
    config: Config, image: str, to: str, source_region: str | None, *, clean: bool
) -> Probe:
    """Return what the options name. Raises click.BadParameter."""
    name, _, tag = image.partition(":")
    namespace, _, repository = name.partition("/")
    if not (is_namespace(namespace) and is_repository(repository) and is_tag(tag)):
        message = f"{image!r} is not ORG/REPO:TAG as in SWR"
        raise click.BadParameter(message, param_hint="--canary")
    region, _, target_namespace = to.partition("/")
    if not is_namespace(target_namespace):
        raise click.BadParameter(f"{to!r} is not REGION/ORG", param_hint="--to")
    sources = {sender.region for sender in config.senders.values()}
    source = source_region or (sources.pop() if len(sources) == 1 else None)
    if source is None:
        message = "the senders have several regions: say which one with --from"
        raise click.BadParameter(message, param_hint="--from")
    for option, used in (("--from", source), ("--to", region)):
        if used not in config.swr.regions:
            raise click.BadParameter(f"{used} is not under swr.regions", param_hint=option)
    target = Target(region, target_namespace)
    return Probe(Lane(source, namespace, repository, target, override=False), tag, clean)


def run_canary(
    config: Config, environ: Mapping[str, str], probe: Probe, journal: AnswerJournal | None
) -> OnlineReport:
    """Sync the tag and measure. Raises BadConfiguration for a wrong environment."""
    answers = LastAnswer(journal)
    deadline = config.options.verify.deadline
    with open_client(config, environ, answers) as online, status_line("Waiting for the tag"):
        canary = Canary(online.swr, answers, probe, deadline, SystemClock(), time.sleep)
        canary.run()
    return OnlineReport(canary.results, canary.facts)
