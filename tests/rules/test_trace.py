"""A plan and its explanation always agree, the index finds all, and order matters to override."""

import json
from collections.abc import Sequence
from dataclasses import asdict
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swrhook.model import Push
from swrhook.rules import (
    Glob,
    Pattern,
    Regex,
    Rule,
    Rulebook,
    RuleTarget,
    Semver,
    Verdict,
    judge,
    trace,
)
from swrhook.rules.plan import plan

SIGNATURE = f"sha256-{'ab' * 32}.sig"
TAGS = ["1.2.0", "v1.3.0-rc1", "2.0-alpine", "latest", SIGNATURE]
pushes = st.builds(
    Push,
    st.sampled_from(["harbor", "ci"]),
    st.sampled_from(["cn-north-4", "cn-east-3"]),
    st.sampled_from(["team-a", "team-b", "library"]),
    st.sampled_from(["web/shop", "web/api/v2", "tool", "base"]),
    st.sampled_from(TAGS),
)
globs = st.one_of(
    st.sampled_from(["**", "*", "team-*", "team-a", "*-a", "web/*", "web/*p", "**/v2"]),
    st.sampled_from(["*o*l", "1.*", "v1.3.0-rc1", "lat*", "?ool"]),
).map(Glob)
regexes = st.sampled_from(["team-[ab]", ".*o.*", "web/.*", "(?:1|2)\\..*", "[^v].*"]).map(Regex)
ranges = st.sampled_from([">=1", "<2", "^2 || 1.3.0-rc1"]).map(Semver)
names: st.SearchStrategy[Pattern] = st.one_of(globs, regexes)
any_of_names = st.lists(names, min_size=1, max_size=3)
clauses = st.fixed_dictionaries(
    {},
    optional={
        "sender": st.lists(
            st.sampled_from(["harbor", "ci", "h*"]).map(Glob), min_size=1, max_size=2
        ),
        "namespace": any_of_names,
        "repository": any_of_names,
        "tag": st.lists(st.one_of(names, ranges), min_size=1, max_size=3),
    },
)
targets = st.builds(
    RuleTarget,
    st.sampled_from(["cn-east-3", "ap-southeast-1"]),
    st.sampled_from(["team", "{namespace}", "{repository}"]),
    st.booleans(),
)
unnamed = st.builds(
    Rule,
    st.just(""),
    clauses,
    clauses | st.just({}),
    st.lists(targets, min_size=1, max_size=2),
    st.booleans() | st.just(value=True),
    st.booleans(),
    st.booleans(),
)


def named(rules: Sequence[Rule]) -> list[Rule]:
    return [
        Rule(
            f"rule-{place}",
            rule.when,
            rule.unless,
            rule.sync,
            rule.enabled,
            rule.shadow,
            rule.skip_attachments,
        )
        for place, rule in enumerate(rules)
    ]


rulebooks = st.lists(unnamed, max_size=12).map(named)


@given(pushes, rulebooks)
def test_the_plan_and_its_explanation_agree(push: Push, rules: Sequence[Rule]) -> None:
    planned = plan([push], Rulebook(rules))
    explained = trace(push, rules)

    def told(fate: str) -> list[tuple[str, str, str, bool]]:
        return [
            (rule.rule, target.region, target.namespace, target.override)
            for rule in explained.rules
            for target in rule.targets
            if target.fate == fate
        ]

    for fate, syncs in (("sync", planned.syncs), ("shadow", planned.shadow)):
        assert told(fate) == [
            (sync.rule, sync.target.region, sync.target.namespace, sync.override) for sync in syncs
        ]


@given(pushes, rulebooks)
def test_each_verdict_follows_from_its_clauses(push: Push, rules: Sequence[Rule]) -> None:
    for rule, told in zip(rules, trace(push, rules).rules, strict=True):
        required = [clause.matched for clause in told.clauses if not clause.excludes]
        excluding = [clause.matched for clause in told.clauses if clause.excludes]
        expected = {
            "disabled": not rule.enabled,
            "not matched": rule.enabled and not all(required),
            "excluded": rule.enabled and all(required) and any(excluding),
        }
        passed = not any(expected.values())
        is_skipped = rule.skip_attachments and push.tag == SIGNATURE
        expected["attachment"] = passed and is_skipped
        expected["wanted"] = passed and not is_skipped
        assert [told.verdict] == [verdict for verdict, is_so in expected.items() if is_so]
        assert bool(told.reason) is (told.verdict != "wanted")
        for clause in told.clauses:
            assert clause.matched is any(pattern.matched for pattern in clause.patterns)


@given(pushes, rulebooks)
def test_the_index_finds_what_a_look_at_every_rule_finds(push: Push, rules: Sequence[Rule]) -> None:
    book = Rulebook(rules)
    wanting = [rule.name for rule in rules if judge(rule, push) is Verdict.WANTED]
    found = list(book.candidates(push))

    assert wanting == [rule.name for rule in found if judge(rule, push) is Verdict.WANTED]
    assert all(rule.enabled for rule in found)


@given(pushes, rulebooks, st.randoms(use_true_random=False))
def test_the_order_of_rules_matters_to_nothing_but_override(
    push: Push, rules: Sequence[Rule], chance: Random
) -> None:
    shuffled = list(rules)
    chance.shuffle(shuffled)
    one, other = plan([push], Rulebook(rules)), plan([push], Rulebook(shuffled))

    assert {sync.target for sync in one.syncs} == {sync.target for sync in other.syncs}


@pytest.mark.parametrize("count", [1, 7, 8, 40])
def test_expressions_are_found_however_many_there_are(count: int) -> None:
    rules = [
        Rule(
            f"rule-{n}", {"repository": [Regex(f".*-svc-{n}")]}, {}, [RuleTarget("cn-east-3", "a")]
        )
        for n in range(count)
    ]
    push = Push("ci", "cn-north-4", "team-a", f"shop/the-svc-{count - 1}", "v1")
    [sync] = plan([push], Rulebook(rules)).syncs

    assert f"rule-{count - 1}" == sync.rule


def test_a_trace_is_plain_data() -> None:
    push = Push("ci", "cn-north-4", "team-a", "web/shop", "1.2.0")
    rule = Rule(
        "releases",
        {"tag": [Semver(">=1"), Glob("v*")]},
        {"namespace": [Regex("sand.*")]},
        [RuleTarget("cn-east-3", "{namespace}")],
    )

    assert json.loads(json.dumps(asdict(trace(push, [rule])))) == {
        "sender": "ci",
        "region": "cn-north-4",
        "namespace": "team-a",
        "repository": "web/shop",
        "tag": "1.2.0",
        "rules": [
            {
                "rule": "releases",
                "verdict": "wanted",
                "shadow": False,
                "reason": None,
                "clauses": [
                    {
                        "field": "tag",
                        "value": "1.2.0",
                        "excludes": False,
                        "matched": True,
                        "patterns": [
                            {"pattern": "semver >=1", "matched": True},
                            {"pattern": "v*", "matched": False},
                        ],
                    },
                    {
                        "field": "namespace",
                        "value": "team-a",
                        "excludes": True,
                        "matched": False,
                        "patterns": [{"pattern": "regex sand.*", "matched": False}],
                    },
                ],
                "targets": [
                    {
                        "region": "cn-east-3",
                        "namespace": "team-a",
                        "override": False,
                        "fate": "sync",
                        "reason": None,
                    }
                ],
            }
        ],
    }
