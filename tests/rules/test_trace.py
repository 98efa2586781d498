"""A trace always agrees with the plan, and each result follows from its clauses."""

import json
from collections.abc import Sequence
from dataclasses import asdict

from hypothesis import given

from swrhook.model import Push
from swrhook.rules.glob import Glob
from swrhook.rules.match import Rule, RuleTarget
from swrhook.rules.plan import plan
from swrhook.rules.regex import Regex
from swrhook.rules.rulebook import Rulebook
from swrhook.rules.trace import trace
from swrhook.rules.version_ranges import Semver
from tests.rules.strategies import SIGNATURE, pushes, rulebooks


@given(pushes, rulebooks)
def test_plan_and_trace_agree(push: Push, rules: Sequence[Rule]) -> None:
    planned = plan([push], Rulebook(rules))
    explained = trace(push, rules)

    def syncs_with(fate: str) -> list[tuple[str, str, str, bool]]:
        return [
            (rule.rule, target.region, target.namespace, target.override)
            for rule in explained.rules
            for target in rule.targets
            if target.result == fate
        ]

    for fate, syncs in (("sync", planned.syncs), ("shadow", planned.shadow)):
        assert syncs_with(fate) == [
            (sync.rule, sync.target.region, sync.target.namespace, sync.override) for sync in syncs
        ]


@given(pushes, rulebooks)
def test_each_verdict_follows_from_the_clauses(push: Push, rules: Sequence[Rule]) -> None:
    for rule, traced in zip(rules, trace(push, rules).rules, strict=True):
        required = [clause.matched for clause in traced.clauses if not clause.excludes]
        excluding = [clause.matched for clause in traced.clauses if clause.excludes]
        expected = {
            "disabled": not rule.enabled,
            "not matched": rule.enabled and not all(required),
            "excluded": rule.enabled and all(required) and any(excluding),
        }
        passed = not any(expected.values())
        is_skipped = rule.skip_attachments and push.tag == SIGNATURE
        expected["attachment"] = passed and is_skipped
        expected["matched"] = passed and not is_skipped
        assert [traced.result] == [verdict for verdict, is_so in expected.items() if is_so]
        assert bool(traced.reason) is (traced.result != "matched")
        for clause in traced.clauses:
            assert clause.matched is any(pattern.matched for pattern in clause.patterns)


def test_a_trace_can_be_written_as_json() -> None:
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
                "result": "matched",
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
                        "result": "sync",
                        "reason": None,
                    }
                ],
            }
        ],
    }
