"""`check --online`: the same configuration, asked of IAM and SWR themselves."""

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import ExitStack, closing, contextmanager
from dataclasses import asdict

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn
from rich.table import Table
from rich.text import Text

from swrhook.cli.terminal import screen
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
from swrhook.usecases.online_check import (
    CheckResult,
    Level,
    count_checks,
    run_checks,
)
from swrhook.usecases.rule_scope import RuleScope, rule_scope

# Somebody waits for the answer.
_LONGEST_WAIT = 15.0
_STYLES = {Level.OK: "green", Level.UNKNOWN: "dim", Level.WARNING: "yellow", Level.PROBLEM: "red"}
_LEDGER_REMEDY = "check SWRHOOK_DATABASE_URL; without the ledger, a refused password is tried again"


def run_online_check(config: Config, environ: Mapping[str, str]) -> list[CheckResult]:
    """Return what IAM and SWR say to the configuration. Raises BadConfiguration."""
    url = Settings.from_environ(environ).database_url
    scope = rule_scope(config)
    unusable: list[CheckResult] = []
    with ExitStack() as stack:
        try:
            ledger = open_existing(url)
        except LedgerUnusable as exc:
            ledger = None
            unusable.append(CheckResult(Level.WARNING, "ledger", str(exc), _LEDGER_REMEDY))
        if ledger is not None:
            stack.callback(ledger.close)
        refused = _InMemory() if ledger is None else RefusedCredentials(ledger, SystemClock())
        swr = stack.enter_context(closing(_client(config, environ, refused)))
        on_check = stack.enter_context(_progress(scope))
        return [*unusable, *run_checks(swr, scope, on_check)]


def print_findings(file: str, findings: Sequence[CheckResult], *, as_json: bool) -> bool:
    """Print a table or JSON; tell whether there is no problem."""
    healthy = all(finding.level is not Level.PROBLEM for finding in findings)
    if as_json:
        found = [asdict(finding) for finding in findings]
        click.echo(json.dumps({"file": file, "healthy": healthy, "findings": found}))
        return healthy
    console = screen()
    table = Table(box=None, pad_edge=False, header_style="bold")
    for heading in ("result", "about", "found", "what to do"):
        table.add_column(heading, no_wrap=heading == "result", overflow="fold")
    for finding in findings:
        level = Text(finding.level, style=_STYLES[finding.level])
        table.add_row(level, Text(finding.about), Text(finding.message), Text(finding.remedy))
    console.print(table)
    return healthy


def _client(config: Config, environ: Mapping[str, str], refused: RefusalStore) -> SwrClient:
    given = config.options.timeouts
    network = Network(
        Timeouts(min(given.connect, _LONGEST_WAIT), min(given.read, _LONGEST_WAIT)),
        find_proxies=find_proxies,
        certificates=environ.get("REQUESTS_CA_BUNDLE"),
    )
    return SwrClient(config.swr, network, refused, SystemClock())


@contextmanager
def _progress(scope: RuleScope) -> Iterator[Callable[[], None]]:
    """Show on a terminal how far it is; yield what is to be called after each question."""
    console = Console(stderr=True)
    columns = (TextColumn("Asking SWR"), BarColumn(), MofNCompleteColumn())
    with Progress(
        *columns, console=console, transient=True, disable=not console.is_terminal
    ) as progress:
        task = progress.add_task("", total=count_checks(scope))
        yield lambda: progress.advance(task)


class _InMemory:
    """What IAM refused during this run, where no ledger remembers it."""

    def __init__(self) -> None:
        self._refusals: dict[str, Refusal] = {}

    def refusal(self, fingerprint: str) -> Refusal | None:
        """Return the last refusal of this credential, or None."""
        return self._refusals.get(fingerprint)

    def refuse(self, fingerprint: str, refusal: Refusal) -> None:
        """Remember that this credential was refused."""
        self._refusals[fingerprint] = refusal
