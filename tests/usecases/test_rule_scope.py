"""What the rules read and write, from the configuration alone."""

from collections.abc import Sequence

import pytest

from swrhook.config import parse
from swrhook.model import Target
from swrhook.usecases.rule_scope import RuleScope, rule_scope

WEST, EAST = "cn-north-4", "cn-east-3"


def scope_of(when: str, to: str, image: str = "{}", senders: Sequence[str] = ("ci",)) -> RuleScope:
    sender = (
        "{dialect: generic, region: cn-north-4, image: %s,"
        " auth: {scheme: bearer, secrets: [a-secret-of-some-length]}}"
    )
    text = f"""
swr:
  iam_endpoint: http://127.0.0.1:9
  credentials: {{kind: token, token: "t"}}
  regions: {{cn-north-4: {{}}, cn-east-3: {{}}}}
senders: {{{", ".join(f"{name}: {sender % image}" for name in senders)}}}
rules:
  - {{name: all, when: {when}, sync: [{{region: cn-east-3, namespace: "{to}"}}]}}
"""
    return rule_scope(parse(text.encode(), file="f", environ={}, read_file=lambda path: path))


@pytest.mark.parametrize(
    ("when", "image", "sources"),
    [
        ("{sender: ci, namespace: team-a}", "{}", ["team-a"]),
        ("{sender: ci, namespace: [team-a, team-b]}", "{}", ["team-a", "team-b"]),
        ("{sender: ci, namespace: 'team-*'}", "{}", []),
        ("{sender: ci}", "{namespace: team-a}", ["team-a"]),
        ("{sender: ci}", "{default_namespace: team-a}", ["team-a"]),
        ("{sender: ci, namespace: 'team-*'}", "{default_namespace: team-a}", ["team-a"]),
        ("{sender: ci, namespace: other}", "{namespace: team-a}", []),
        ("{sender: ci}", "{}", []),
    ],
)
def test_the_source_organizations_are_those_that_rule_or_sender_name(
    when: str, image: str, sources: list[str]
) -> None:
    scope = scope_of(when, "fixed", image)

    assert [Target(WEST, name) for name in sources] == scope.sources
    assert [Target(EAST, "fixed")] == scope.targets
    assert scope.routes == [(WEST, EAST)]
    assert scope.unresolved_targets == []
    assert scope.regions == [WEST, EAST]


@pytest.mark.parametrize(
    ("allowed", "sources", "targets"),
    [("team-*", ["team-a"], ["fixed"]), ("other", ["other"], ["fixed"]), ("none", [], [])],
)
def test_an_organization_that_the_sender_may_not_push_to_is_no_source(
    allowed: str, sources: list[str], targets: list[str]
) -> None:
    only = f"{{}}, allow: {{namespaces: '{allowed}'}}"
    scope = scope_of("{namespace: [team-a, other]}", "fixed", only)

    assert [source.namespace for source in scope.sources] == sources
    assert [target.namespace for target in scope.targets] == targets
    assert scope.unresolved_targets == []


@pytest.mark.parametrize(
    ("when", "image", "to", "targets", "unresolved"),
    [
        ("{namespace: team-a}", "{}", "{namespace}-hk", ["team-a-hk"], []),
        ("{namespace: [team-a, 'b*']}", "{}", "{namespace}-hk", ["team-a-hk"], ["{namespace}-hk"]),
        ("{sender: ci}", "{namespace: team-a}", "{namespace}-hk", ["team-a-hk"], []),
        (
            "{sender: ci}",
            "{default_namespace: team-a}",
            "{namespace}-hk",
            ["team-a-hk"],
            ["{namespace}-hk"],
        ),
        ("{sender: ci}", "{}", "{namespace}-hk", [], ["{namespace}-hk"]),
        ("{namespace: team-a}", "{}", "x-{repository}", [], ["x-{repository}"]),
    ],
)
def test_a_target_template_is_resolved_for_each_known_organization(
    when: str, image: str, to: str, targets: list[str], unresolved: list[str]
) -> None:
    scope = scope_of(when, to, image)

    assert [Target(EAST, name) for name in targets] == scope.targets
    assert [Target(EAST, name) for name in unresolved] == scope.unresolved_targets


def test_each_organization_is_listed_once() -> None:
    scope = scope_of("{namespace: team-a}", "fixed", senders=["one", "two"])

    assert [Target(WEST, "team-a")] == scope.sources
    assert [Target(EAST, "fixed")] == scope.targets


def test_a_rule_that_matches_no_sender_has_no_routes() -> None:
    scope = scope_of("{sender: '*', not: {sender: ci}}", "fixed")

    assert scope.routes == []
    assert scope.targets == []
