"""Run and print the checks against IAM and SWR, for `check --online`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from operator import itemgetter

import click

from swrhook.cli.online_client import open_client
from swrhook.cli.tables import Column, print_table
from swrhook.cli.terminal import progress_bar
from swrhook.config.model import Config
from swrhook.usecases.auto_sync_check import check_auto_syncs
from swrhook.usecases.online_check import CheckResult, Level, count_checks, run_checks
from swrhook.usecases.rule_scope import rule_scope

_COLUMNS = (
    Column("result", itemgetter("level"), unwrapped=True, styled=True),
    Column("about"),
    Column("found", itemgetter("message")),
    Column("what to do", itemgetter("remedy")),
)
_LEDGER_REMEDY = "check SWRHOOK_DATABASE_URL; without the ledger, a refused password is tried again"


def run_online_check(config: Config, environ: Mapping[str, str]) -> list[CheckResult]:
    """Check a configuration with IAM and SWR. Raises BadConfiguration for a wrong environment."""
    scope = rule_scope(config)
    results: list[CheckResult] = []
    with open_client(config, environ) as online:
        if online.ledger_problem:
            warning = (Level.WARNING, "ledger", online.ledger_problem, _LEDGER_REMEDY)
            results.append(CheckResult(*warning))
        checks = count_checks(scope) + len(scope.sources)
        with progress_bar("Asking SWR", checks) as progress:
            results += run_checks(online.swr, scope, progress.advance)
            if all(result.level is not Level.PROBLEM for result in results):
                results += check_auto_syncs(online.swr, config, scope.sources, progress.advance)
    return results


def print_results(file: str, results: Sequence[CheckResult], *, as_json: bool) -> bool:
    """Print a table or JSON; return whether no result is a problem."""
    healthy = all(result.level is not Level.PROBLEM for result in results)
    findings = [asdict(result) for result in results]
    if as_json:
        click.echo(json.dumps({"file": file, "healthy": healthy, "findings": findings}))
    else:
        print_table(_COLUMNS, findings)
    return healthy
