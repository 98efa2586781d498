"""The command `import-autosync`."""

import os
import sys
import time
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import click
import yaml

from swrhook.cli.online_client import open_client
from swrhook.cli.options import command, text_option
from swrhook.cli.terminal import count_of, printable, progress_bar
from swrhook.config.loader import load
from swrhook.config.model import Config
from swrhook.errors import BadConfiguration
from swrhook.usecases.auto_sync_import import (
    AutoSyncReader,
    AutoSyncs,
    regions_without_sender,
    to_rules,
)


@command(
    "python -m swrhook import-autosync",
    "python -m swrhook import-autosync --region cn-north-4 --namespace team-a",
)
@click.argument("file", default="./swrhook.yaml", envvar="SWRHOOK_CONFIG")
@text_option("--region", "Only this source region. Repeatable.", multiple=True)
@text_option("--namespace", "Only this organization. Repeatable.", multiple=True)
def import_autosync(file: str, region: Sequence[str], namespace: Sequence[str]) -> None:
    """Print SWR's own automatic synchronization as rules for swrhook.yaml.

    It asks SWR, with the credentials in FILE, for the rules of every repository in the regions of
    FILE, and changes nothing. A rule of SWR copies every tag: restrict `tag` where you want less.
    Delete SWR's rules when those of swrhook are in use. Exit code 1 if something could not be read.
    """
    environ = os.environ  # noqa: TID251  # a command reads the environment itself
    try:
        config = load(Path(file), environ)
        auto_syncs = _read(config, environ, region, namespace)
    except BadConfiguration as exc:
        for mistake in exc.mistakes:
            click.echo(mistake, err=True)
        sys.exit(1)
    for line in _rule_lines(auto_syncs, config):
        click.echo(printable(line))
    for problem in auto_syncs.problems:
        click.echo(f"not read: {printable(problem)}", err=True)
    sys.exit(1 if auto_syncs.problems else 0)


def _read(
    config: Config,
    environ: Mapping[str, str],
    regions: Sequence[str],
    namespaces: Sequence[str],
) -> AutoSyncs:
    unknown = [region for region in regions if region not in config.swr.regions]
    if unknown:
        message = f"{', '.join(unknown)} is not under swr.regions"
        raise click.BadParameter(message, param_hint="--region")
    with open_client(config, environ) as online, progress_bar("Asking SWR") as progress:
        reader = AutoSyncReader(online.swr, time.sleep)
        return reader.read(regions or list(config.swr.regions), namespaces, progress.advance)


def _rule_lines(auto_syncs: AutoSyncs, config: Config) -> list[str]:
    rules = to_rules(auto_syncs, config)
    if not rules:
        return ["# SWR has no automatic synchronization here."]
    repositories = count_of(len(auto_syncs.rules), "repository", "repositories")
    lines = [f"# SWR's own automatic synchronization of {repositories}"]
    lines += [
        f"# No sender has the region {region}: without one, these rules see none of its pushes."
        for region in regions_without_sender(auto_syncs.rules, config)
    ]
    return [*lines, *_to_yaml({"rules": rules}).splitlines()]


def _to_yaml(content: dict[str, Any]) -> str:
    return str(yaml.safe_dump(content, sort_keys=False, allow_unicode=True, width=100))
