"""Rules: a glob stands for a whole value, and a rule wants what all its fields match."""

from functools import cache

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from swrhook.model import Push
from swrhook.rules import FIELDS, Glob, Rule, RuleTarget, unknown_variables

PUSH = Push("harbor-prod", "cn-north-4", "team-a", "web/shop", "1.2.3")


def fits(glob: str, value: str) -> bool:
    """Say it again, slowly and without regular expressions."""

    @cache
    def rest_fits(i: int, j: int) -> bool:
        if i == len(glob):
            return j == len(value)
        if glob.startswith("**", i):
            return any(rest_fits(i + 2, k) for k in range(j, len(value) + 1))
        if glob[i] == "*":
            end = value.find("/", j)
            last = len(value) if end < 0 else end
            return any(rest_fits(i + 1, k) for k in range(j, last + 1))
        if j == len(value):
            return False
        is_one = value[j] != "/" if glob[i] == "?" else value[j] == glob[i]
        return is_one and rest_fits(i + 1, j + 1)

    return rest_fits(0, 0)


few = st.text("ab/*?.", max_size=8)
any_text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)


@given(few, st.text("ab/.\n", max_size=8))
@example("**/b", "a/a/b")
@example("a**b", "a\n/b")
@example("***", "a/b")
@example("*", "")
def test_a_glob_fits_what_its_definition_says(glob: str, value: str) -> None:
    assert fits(glob, value) is Glob(glob).matches(value)


@given(any_text, any_text)
@example("\0[\\d]+(?i)$^", "\0[\\d]+(?i)$^")
@example("{2}é|标签", "{2}é|标签")
def test_every_text_is_a_glob(glob: str, value: str) -> None:
    assert fits(glob, value) is Glob(glob).matches(value)
    literal = glob.replace("*", "").replace("?", "")
    assert Glob(literal).matches(literal)


@pytest.mark.parametrize(
    ("glob", "value", "fit"),
    [
        ("web/*", "web/shop", True),
        ("web/*", "web/shop/api", False),
        ("web/*", "web/", True),
        ("web/*", "a/web/shop", False),
        ("web/**", "web/shop/api", True),
        ("**/api", "api", False),
        ("v?", "v1", True),
        ("v?", "v", False),
        ("v?", "v10", False),
        ("1.2.3", "1x2x3", False),
        ("latest", "Latest", False),
        ("*-rc*", "1.0-rc.1", True),
        ("*", "x\n", True),
        ("x", "x\n", False),
        ("", "", True),
        ("", "x", False),
    ],
)
def test_globs_of_everyday(glob: str, value: str, *, fit: bool) -> None:
    assert fit is Glob(glob).matches(value)


def test_no_glob_takes_long() -> None:
    assert not Glob("*a" * 40 + "b").matches("a" * 20_000)


def test_a_glob_shows_its_text() -> None:
    assert "Glob('web/*')" == repr(Glob("web/*"))


def rule(when: dict[str, list[str]], unless: dict[str, list[str]] | None = None) -> Rule:
    def patterns(clauses: dict[str, list[str]]) -> dict[str, list[Glob]]:
        return {field: [Glob(text) for text in texts] for field, texts in clauses.items()}

    target = RuleTarget("cn-east-3", "team-a")
    return Rule("a rule", patterns(when), patterns(unless or {}), [target])


def test_a_rule_without_conditions_wants_everything() -> None:
    assert rule({}).matches(PUSH)


def test_all_fields_have_to_match() -> None:
    fitting = {
        "source": ["harbor-*"],
        "namespace": ["team-?"],
        "repository": ["web/*"],
        "tag": ["1.*"],
    }
    assert set(FIELDS) == set(fitting)
    assert rule(fitting).matches(PUSH)
    for field in FIELDS:
        assert not rule({**fitting, field: ["nothing"]}).matches(PUSH)


def test_any_pattern_of_a_field_will_do() -> None:
    assert rule({"tag": ["nothing", "1.*"]}).matches(PUSH)
    assert not rule({"tag": []}).matches(PUSH)


@pytest.mark.parametrize("field", FIELDS)
def test_any_match_of_an_exclusion_excludes(field: str) -> None:
    assert not rule({}, {field: ["**"]}).matches(PUSH)
    others = {each: ["nothing"] for each in FIELDS}
    assert not rule({}, {**others, field: ["nothing", "**"]}).matches(PUSH)
    assert rule({}, {field: ["nothing"]}).matches(PUSH)


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
def test_variables_stand_for_the_pushs_own_names(template: str, namespace: str) -> None:
    assert namespace == RuleTarget("cn-east-3", template).namespace_for(PUSH)


def test_unknown_variables_are_found() -> None:
    assert ["tag", ""] == unknown_variables("{namespace}-{tag}-{}-{repository}")
    assert [] == unknown_variables("{namespace}{repository}")
