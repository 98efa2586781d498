"""A push matches a rule if all fields match and no exclusion does."""

import pytest

from swrhook.model import Push
from swrhook.rules.glob import Glob
from swrhook.rules.match import FIELDS, Rule, RuleResult, RuleTarget, evaluate, unknown_variables

PUSH = Push("harbor-prod", "cn-north-4", "team-a", "web/shop", "1.2.3")


def wants(rule: Rule) -> bool:
    return evaluate(rule, PUSH) is RuleResult.MATCHED


def rule(when: dict[str, list[str]], unless: dict[str, list[str]] | None = None) -> Rule:
    def patterns(clauses: dict[str, list[str]]) -> dict[str, list[Glob]]:
        return {field: [Glob(text) for text in texts] for field, texts in clauses.items()}

    target = RuleTarget("cn-east-3", "team-a")
    return Rule("a rule", patterns(when), patterns(unless or {}), [target])


def test_a_rule_without_conditions_matches_everything() -> None:
    assert wants(rule({}))


def test_all_fields_have_to_match() -> None:
    fitting = {
        "sender": ["harbor-*"],
        "namespace": ["team-?"],
        "repository": ["web/*"],
        "tag": ["1.*"],
    }
    assert set(FIELDS) == set(fitting)
    assert wants(rule(fitting))
    for field in FIELDS:
        assert not wants(rule({**fitting, field: ["nothing"]}))


def test_one_matching_pattern_of_a_field_is_enough() -> None:
    assert wants(rule({"tag": ["nothing", "1.*"]}))
    assert not wants(rule({"tag": []}))


@pytest.mark.parametrize("field", FIELDS)
def test_any_match_of_an_exclusion_excludes(field: str) -> None:
    assert not wants(rule({}, {field: ["**"]}))
    others = {other: ["nothing"] for other in FIELDS}
    assert not wants(rule({}, {**others, field: ["nothing", "**"]}))
    assert wants(rule({}, {field: ["nothing"]}))


@pytest.mark.parametrize(
    ("template", "namespace"),
    [
        ("team-b", "team-b"),
        ("{namespace}", "team-a"),
        ("mirror-{namespace}", "mirror-team-a"),
        ("{namespace}.{namespace}", "team-a.team-a"),
        ("{repository}", "web/shop"),  # which the plan refuses
    ],
)
def test_variables_are_replaced_by_the_pushs_names(template: str, namespace: str) -> None:
    assert RuleTarget("cn-east-3", template).namespace_for(PUSH) == namespace


def test_unknown_variables_are_found() -> None:
    assert unknown_variables("{namespace}-{tag}-{}-{repository}") == ["tag", ""]
    assert unknown_variables("{namespace}{repository}") == []
