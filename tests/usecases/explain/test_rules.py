"""The explanation of a push agrees with its plan, with any number of rules."""

from collections.abc import Sequence

from hypothesis import given, settings

from swrhook.model import Push, Target
from swrhook.rules.glob import Glob
from swrhook.rules.match import Rule, RuleTarget
from swrhook.rules.plan import plan
from swrhook.rules.rulebook import Rulebook
from swrhook.usecases.explain.rules import MAX_RULES, explain_sender
from tests.rules.strategies import named, pushes, rulebooks

NOBODYS = [Rule("", {"namespace": [Glob("nobody")]}, {}, [RuleTarget("cn-east-3", "team")])]
MANY = rulebooks.map(lambda rules: named([*rules, *NOBODYS * 60, *rules]))


@settings(max_examples=60)
@given(pushes, rulebooks | MANY)
def test_the_explanation_agrees_with_the_plan(push: Push, rules: Sequence[Rule]) -> None:
    planned = plan([push], Rulebook(rules)).syncs
    explained = explain_sender(push, rules)
    explained_targets = [
        (rule.rule, Target(target.region, target.namespace), target.override)
        for rule in explained.rules
        for target in rule.targets
        if target.result == "sync"
    ]

    assert [(sync.rule, sync.target, sync.override) for sync in planned] == explained_targets
    assert bool(planned) == explained.matched
    assert explained.matched == (" sends it to " in explained.summary)
    assert len(rules) == len(explained.rules) + explained.rules_left_out


def test_only_the_nearest_of_many_rules_are_explained_in_their_order() -> None:
    target = [RuleTarget("cn-east-3", "team")]
    far = [Rule(f"far-{n}", {"namespace": [Glob("x")]}, {}, target) for n in range(200)]
    near = Rule("near", {"tag": [Glob("v2")]}, {}, target)
    push = Push("ci", "cn-north-4", "team", "web", "v1")

    explained = explain_sender(push, [*far, near])

    assert explained.summary == 'no rule matches; the nearest is near: tag "v1" is not "v2"'
    assert len(explained.rules) == MAX_RULES
    assert [explained.rules[0].rule, explained.rules[-1].rule] == ["far-0", "near"]
    assert explained.rules_left_out == 201 - MAX_RULES
