"""Warnings about valid rules."""

from collections.abc import Callable

import pytest

from swrhook.config import Config

Read = Callable[[str | bytes], Config]

COVERED = "rules[0] has this target for every push that this rule matches: its override applies"


def warnings(read: Read, small: str, *rules: str) -> list[str]:
    """Return the warnings about rules with these keys, which share a target by default."""
    target = "sync: [{region: cn-east-3, namespace: team-a}]"
    lines = [
        f"  - {{name: r{n}, {keys}, {'' if 'sync:' in keys else target}}}"
        for n, keys in enumerate(rules)
    ]
    text = small[: small.index("rules:\n")] + "\n".join(["rules:", *lines])
    return [line.split(": ", 1)[1] for line in read(text).warnings]


OVERRIDING = "sync: [{region: cn-east-3, namespace: team-a, override: true}]"


@pytest.mark.parametrize(
    ("when", "expected"),
    [
        (
            "{tag: 'v*', not: {tag: 'v*'}}",
            "rules[0].when.not.tag: excludes every tag that the rule lets pass: it never matches",
        ),
        (
            "{tag: [v1, v2-rc1], not: {tag: ['v1', '*-rc*']}}",
            "rules[0].when.not.tag: excludes every tag that the rule lets pass: it never matches",
        ),
        (
            "{not: {repository: '**'}}",
            (
                "rules[0].when.not.repository: excludes every repository that the rule lets pass:"
                " it never matches"
            ),
        ),
        (
            "{tag: {semver: '>=2 <1'}}",
            "rules[0].when.tag: no version is in this range: nothing ever matches",
        ),
        (
            "{tag: [latest, 'v[0-9]']}",
            (
                "rules[0].when.tag[1]: no tag can contain character 2 of this glob (a glob may have"
                " *, ** and ?; write several globs as a list): nothing ever matches"
            ),
        ),
        (
            "{tag: {semver: '1', variant: A/}}",
            (
                "rules[0].when.tag: no tag can contain character 2 of this variant (a glob may have"
                " *, ** and ?; write several globs as a list): nothing ever matches"
            ),
        ),
        (
            "{namespace: {regex: 'Team-.*'}}",
            (
                "rules[0].when.namespace: no namespace can begin like this expression: nothing ever"
                " matches"
            ),
        ),
    ],
)
def test_a_rule_that_contradicts_itself_is_a_warning(
    when: str, expected: str, read: Read, small: str
) -> None:
    assert warnings(read, small, f"when: {when}") == [expected]


@pytest.mark.parametrize(
    "when",
    [
        "{tag: 'v*', not: {tag: '*-rc*'}}",
        "{repository: 'web/**', not: {repository: 'web/*'}}",
        "{namespace: {regex: '(?i)team-.*'}}",
        "{tag: {semver: '>=1 <2 || >=3 <2'}}",
        "{namespace: {regex: '.*'}, tag: {regex: '[A-Z].*'}}",
    ],
)
def test_a_rule_that_can_match_is_no_warning(when: str, read: Read, small: str) -> None:
    assert warnings(read, small, f"when: {when}") == []


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("{}", "{tag: v1}"),
        ("{namespace: 'team-*'}", "{namespace: team-a, tag: {semver: '1'}}"),
        ("{repository: 'web/**'}", "{repository: ['web/*', web/shop]}"),
        ("{not: {tag: '*-rc*'}}", "{not: {tag: '*-rc*', namespace: a}}"),
    ],
)
def test_a_target_covered_by_an_earlier_rule_is_a_warning(
    first: str, second: str, read: Read, small: str
) -> None:
    messages = warnings(read, small, f"when: {first}", f"when: {second}")

    assert [f"rules[1].sync[0]: {COVERED}"] == messages


def test_a_shared_target_with_another_override_is_a_warning(read: Read, small: str) -> None:
    messages = warnings(
        read, small, "when: {tag: latest}", f"when: {{namespace: team-a}}, {OVERRIDING}"
    )
    assert messages == []  # neither rule's example matches the other rule

    messages = warnings(
        read,
        small,
        "when: {namespace: team-a, tag: latest}",
        f"when: {{namespace: 'team-*'}}, {OVERRIDING}",
    )
    assert messages == [
        (
            "rules[1].sync[0]: rules[0] has this target too, with another override: for a push like"
            " team-a/any:latest the first rule's override applies"
        )
    ]


def test_rules_that_share_no_target_are_no_warning(read: Read, small: str) -> None:
    other = "sync: [{region: cn-east-3, namespace: other}]"

    assert warnings(read, small, "when: {tag: v1}", f"when: {{tag: v2}}, {OVERRIDING}") == []
    assert warnings(read, small, "when: {}", f"when: {{}}, {other}") == []
    assert warnings(read, small, "when: {}", f"when: {{}}, shadow: true, {OVERRIDING}") == []
    assert warnings(read, small, "when: {}", f"when: {{}}, enabled: false, {OVERRIDING}") == []


def test_very_many_overlaps_are_counted(read: Read, small: str) -> None:
    messages = warnings(read, small, *["when: {}"] * 12)

    assert len(messages) == 51
    assert messages[-1] == "rules: 16 more targets are shared by several rules"


def test_only_the_first_of_very_many_rules_are_compared(read: Read, small: str) -> None:
    alike = warnings(read, small, *["when: {}"] * 300)
    middles = warnings(read, small, *[f"when: {{tag: '*-{n}-*'}}" for n in range(600)])

    assert "rules: only the first 77 rules were compared with all others: more take long" in alike
    assert middles == [
        "rules: only the first 500 rules were compared with all others: more take long"
    ]
