"""The index of rules finds every rule that matches, whatever their number and order."""

from collections.abc import Sequence
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swrhook.model import Push
from swrhook.rules.match import Rule, RuleResult, RuleTarget, evaluate
from swrhook.rules.plan import plan
from swrhook.rules.regex import Regex
from swrhook.rules.rulebook import Rulebook
from tests.rules.strategies import pushes, rulebooks


@given(pushes, rulebooks)
def test_the_index_finds_every_rule_that_matches(push: Push, rules: Sequence[Rule]) -> None:
    book = Rulebook(rules)
    wanting = [rule.name for rule in rules if evaluate(rule, push) is RuleResult.MATCHED]
    candidates = list(book.candidates(push))

    assert wanting == [
        rule.name for rule in candidates if evaluate(rule, push) is RuleResult.MATCHED
    ]
    assert all(rule.enabled for rule in candidates)


@given(pushes, rulebooks, st.randoms(use_true_random=False))
def test_the_order_of_rules_changes_only_overrides(
    push: Push, rules: Sequence[Rule], chance: Random
) -> None:
    shuffled = list(rules)
    chance.shuffle(shuffled)
    one, other = plan([push], Rulebook(rules)), plan([push], Rulebook(shuffled))

    assert {sync.target for sync in one.syncs} == {sync.target for sync in other.syncs}


@pytest.mark.parametrize("count", [1, 7, 8, 40])
def test_any_number_of_expressions_is_indexed(count: int) -> None:
    rules = [
        Rule(
            f"rule-{n}", {"repository": [Regex(f".*-svc-{n}")]}, {}, [RuleTarget("cn-east-3", "a")]
        )
        for n in range(count)
    ]
    push = Push("ci", "cn-north-4", "team-a", f"shop/the-svc-{count - 1}", "v1")
    [sync] = plan([push], Rulebook(rules)).syncs

    assert f"rule-{count - 1}" == sync.rule
