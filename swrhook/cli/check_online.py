"""Run and print the checks against IAM and SWR, for `check --online`."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from operator import itemgetter

import click

from swrhook.cli.answer_journal import AnswerJournal
from swrhook.cli.online_client import open_client
from swrhook.cli.tables import Column, print_table
from swrhook.cli.terminal import progress_bar
from swrhook.config.model import Config
from swrhook.usecases.auto_sync_check import check_auto_syncs
from swrhook.usecases.online_check import CheckResult, Level, count_checks, run_checks
from swrhook.usecases.open_facts import QUESTIONS, FactAnswer
from swrhook.usecases.rule_scope import rule_scope
from swrhook.usecases.swr_questions import ask_questions, count_questions

_COLUMNS = (
    Column("result", itemgetter("level"), styled=True),
    Column("about"),
    Column("found", itemgetter("message")),
    Column("what to do", itemgetter("remedy")),
)
_FACT_COLUMNS = (
    Column("region"),
    Column("open fact", itemgetter("question")),
    Column("answer"),
)
_LEDGER_REMEDY = "check SWRHOOK_DATABASE_URL; without the ledger, a refused password is tried again"


@dataclass(frozen=True, slots=True)
class OnlineReport:
    """What was found, and which open facts about SWR were answered."""

    results: Sequence[CheckResult]
    facts: Sequence[FactAnswer] = ()


def run_online_check(
    config: Config, environ: Mapping[str, str], journal: AnswerJournal | None = None
) -> OnlineReport:
    """Check a configuration with IAM and SWR. Raises BadConfiguration for a wrong environment.

    With a journal, ask about open facts too.
    """
    scope = rule_scope(config)
    results: list[CheckResult] = []
    facts: list[FactAnswer] = []
    with open_client(config, environ, journal) as online:
        if online.ledger_problem:
            warning = (Level.WARNING, "ledger", online.ledger_problem, _LEDGER_REMEDY)
            results.append(CheckResult(*warning))
        checks = count_checks(scope) + len(scope.sources)
        checks += count_questions(scope.regions, scope.sources) if journal else 0
        with progress_bar("Asking SWR", checks) as progress:
            results += run_checks(online.swr, scope, progress.advance)
            if all(result.level is not Level.PROBLEM for result in results):
                results += check_auto_syncs(online.swr, config, scope.sources, progress.advance)
            if journal:
                place = (scope.regions, scope.sources)
                facts = ask_questions(online.swr, *place, progress.advance)
    return OnlineReport(results, facts)


def print_report(file: str, report: OnlineReport, *, as_json: bool) -> bool:
    """Print tables or JSON; return whether no result is a problem."""
    healthy = all(result.level is not Level.PROBLEM for result in report.results)
    findings = [asdict(result) for result in report.results]
    facts = [{**asdict(fact), "question": QUESTIONS[fact.fact]} for fact in report.facts]
    if as_json:
        answer = {"file": file, "healthy": healthy, "findings": findings, "facts": facts}
        click.echo(json.dumps(answer))
        return healthy
    print_table(_COLUMNS, findings)
    if facts:
        print_table(_FACT_COLUMNS, facts)
    return healthy
