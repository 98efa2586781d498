"""The styles of words: every state and result that can need attention has one."""

from enum import StrEnum
from io import StringIO

import pytest
from rich.console import Console
from rich.file_proxy import FileProxy

from swrhook.cli.terminal import STYLES, print_notice, printable
from swrhook.model import Outcome, State
from swrhook.rules.match import RuleResult
from swrhook.rules.plan import PlanChange
from swrhook.rules.targets import TargetResult
from swrhook.syncs.reconciliation import Stage
from swrhook.usecases.online_check import Level

PLAIN = {RuleResult.DISABLED, RuleResult.NOT_MATCHED}


@pytest.mark.parametrize(
    "words", [Level, Outcome, PlanChange, RuleResult, Stage, State, TargetResult]
)
def test_every_word_has_a_style_unless_it_is_meant_to_be_plain(words: type[StrEnum]) -> None:
    assert {word for word in words if word not in STYLES} == PLAIN & set(words)


def test_control_characters_of_a_notice_do_not_reach_the_terminal(
    capsys: pytest.CaptureFixture[str],
) -> None:
    print_notice("a plan:\n\x1b[2J\x9b31m\u202etxet")

    assert capsys.readouterr().err == "a plan:\n?[2J?31m?txet\n"


def test_success_is_green_and_failure_is_red() -> None:
    words = ("verified", "accepted", "ok", "rejected", "exhausted", "quarantined", "problem")

    assert [STYLES[word] for word in words] == ["green"] * 3 + ["red"] * 4


def test_text_is_printed_below_a_status_line_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", FileProxy(Console(), StringIO()))  # as rich does there

    assert printable("1 pending\x1b") == "1 pending?"
