"""Where rules read and write, told from the configuration alone."""

from collections.abc import Sequence

import pytest

from swrhook.config import parse
from swrhook.model import Target
from swrhook.usecases.rule_scope import RuleScope, rule_scope

WEST, EAST = "cn-north-4", "cn-east-3"


def of(when: str, to: str, image: str = "{}", senders: Sequence[str] = ("ci",)) -> RuleScope:
    each = "{dialect: generic, region: cn-north-4, image: %s, auth: {scheme: bearer, secrets: [s]}}"
    text = f"""
swr:
  iam_endpoint: http://127.0.0.1:9
  credentials: {{kind: token, token: "t"}}
  regions: {{cn-north-4: {{}}, cn-east-3: {{}}}}
senders: {{{", ".join(f"{name}: {each % image}" for name in senders)}}}
rules:
  - {{name: all, when: {when}, sync: [{{region: cn-east-3, namespace: "{to}"}}]}}
"""
    return rule_scope(parse(text.encode(), file="f", environ={}, read_file=lambda path: path))


@pytest.mark.parametrize(
    ("when", "image", "senders"),
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
def test_the_organizations_to_read_in_are_those_named(
    when: str, image: str, senders: list[str]
) -> None:
    found = of(when, "fixed", image)

    assert [Target(WEST, name) for name in senders] == found.sources
    assert [Target(EAST, "fixed")] == found.targets
    assert found.routes == [(WEST, EAST)]
    assert found.unresolved_targets == []
    assert found.regions == [WEST, EAST]


@pytest.mark.parametrize(
    ("when", "image", "to", "targets", "untold"),
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
def test_a_template_is_expanded_as_far_as_it_can_be(
    when: str, image: str, to: str, targets: list[str], untold: list[str]
) -> None:
    found = of(when, to, image)

    assert [Target(EAST, name) for name in targets] == found.targets
    assert [Target(EAST, name) for name in untold] == found.unresolved_targets


def test_each_place_is_told_once() -> None:
    found = of("{namespace: team-a}", "fixed", senders=["one", "two"])

    assert [Target(WEST, "team-a")] == found.sources
    assert [Target(EAST, "fixed")] == found.targets


def test_a_rule_without_a_sender_leads_nowhere() -> None:
    found = of("{sender: '*', not: {sender: ci}}", "fixed")

    assert found.routes == []
    assert found.targets == []
