"""The styles of words: every state and result that can need attention has one."""

from enum import StrEnum

import pytest

from swrhook.cli.terminal import STYLES
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


def test_success_is_green_and_failure_is_red() -> None:
    words = ("verified", "accepted", "ok", "rejected", "exhausted", "quarantined", "problem")

    assert [STYLES[word] for word in words] == ["green"] * 3 + ["red"] * 4
