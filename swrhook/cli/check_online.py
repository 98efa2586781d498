"""Run and print the checks against IAM and SWR, for `check --online`."""

import json
from collections.abc import Mapping, Sequence
from contextlib import ExitStack, closing
from dataclasses import asdict
from operator import itemgetter

import click

from swrhook.cli.tables import Column, print_table
from swrhook.cli.terminal import progress_bar
from swrhook.clock import SystemClock
from swrhook.config.model import Config, Timeouts
from swrhook.errors import LedgerUnusable
from swrhook.ledger.database import open_existing
from swrhook.ledger.kept_state import RefusedCredentials
from swrhook.model import Refusal
from swrhook.sender_keys import find_proxies
from swrhook.settings import Settings
from swrhook.swr.auth.lockout import RefusalStore
from swrhook.swr.client import SwrClient
from swrhook.swr.http import Network
from swrhook.usecases.online_check import CheckResult, Level, count_checks, run_checks
from swrhook.usecases.rule_scope import rule_scope

# Seconds to wait for IAM and SWR: an interactive command must not take as long as the service may.
_LONGEST_WAIT = 15.0
_COLUMNS = (
    Column("result", itemgetter("level"), unwrapped=True, styled=True),
    Column("about"),
    Column("found", itemgetter("message")),
    Column("what to do", itemgetter("remedy")),
)
_LEDGER_REMEDY = "check SWRHOOK_DATABASE_URL; without the ledger, a refused password is tried again"


def run_online_check(config: Config, environ: Mapping[str, str]) -> list[CheckResult]:
    """Check a configuration with IAM and SWR. Raises BadConfiguration for a wrong environment.

    Uses the ledger, if there is one, to avoid a password that IAM refused before: IAM locks an
    account after a few wrong logins.
    """
    url = Settings.from_environ(environ).database_url
    scope = rule_scope(config)
    results: list[CheckResult] = []
    with ExitStack() as stack:
        refusals: RefusalStore = _InMemoryRefusals()
        try:
            if ledger := open_existing(url):
                stack.callback(ledger.close)
                refusals = RefusedCredentials(ledger, SystemClock())
        except LedgerUnusable as exc:
            results.append(CheckResult(Level.WARNING, "ledger", str(exc), _LEDGER_REMEDY))
        swr = stack.enter_context(closing(_swr_client(config, environ, refusals)))
        progress = stack.enter_context(progress_bar("Asking SWR", count_checks(scope)))
        results += run_checks(swr, scope, progress.advance)
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


def _swr_client(config: Config, environ: Mapping[str, str], refusals: RefusalStore) -> SwrClient:
    timeouts = config.options.timeouts
    network = Network(
        Timeouts(min(timeouts.connect, _LONGEST_WAIT), min(timeouts.read, _LONGEST_WAIT)),
        find_proxies=find_proxies,
        certificates=environ.get("REQUESTS_CA_BUNDLE"),
    )
    return SwrClient(config.swr, network, refusals, SystemClock())


class _InMemoryRefusals:
    """The credentials that IAM refused during this run, if there is no ledger."""

    def __init__(self) -> None:
        self._refusals: dict[str, Refusal] = {}

    def refusal(self, fingerprint: str) -> Refusal | None:
        """Return the last refusal of a credential, or None."""
        return self._refusals.get(fingerprint)

    def refuse(self, fingerprint: str, refusal: Refusal) -> None:
        """Record that a credential was refused."""
        self._refusals[fingerprint] = refusal
