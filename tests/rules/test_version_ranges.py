"""Ranges of versions: the examples of the grammar in docs/rules.md, and their laws."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swrhook.rules.version_ranges import Semver


@pytest.mark.parametrize(
    ("text", "inside", "outside"),
    [
        ("1.2.3", "1.2.3 v1.2.3 1.2.3-4 1.2.3_x", "1.2.4 1.2.3-rc1 1.2.3-alpine"),
        ("=1.2", "1.2.0 1.2.9 1.2", "1.3.0 1.1.9 1.3.0-rc1"),
        ("1", "1.0.0 1.9.9", "2.0.0 0.9.9"),
        ("1.x", "1.0.0 1.9.9", "2.0.0"),
        ("1.2.*", "1.2.0 1.2.9", "1.3.0"),
        ("*", "0.0.0 9.9.9", "1.0.0-rc1 latest"),
        (">1.2.3", "1.2.4", "1.2.3 1.2.3-4"),
        (">1.2", "1.3.0", "1.2.9"),
        (">=1.2 <2", "1.2.0 1.99.0 v1.5", "2.0.0 1.1.9 2.0.0-rc1"),
        (">=1.2, <2", "1.2.0", "2.0.0"),
        (">=1.2<2", "1.2.0", "2.0.0"),
        (">= v1.2", "1.2.0", "1.1.0"),
        ("<=1.2", "1.2.9 0.1", "1.3.0"),
        ("<=1.2.3", "1.2.3", "1.2.4"),
        ("<1.2", "1.1.9", "1.2.0"),
        ("~1.4", "1.4.0 1.4.9", "1.5.0 1.3.9"),
        ("~1.4.2", "1.4.2 1.4.9", "1.4.1 1.5.0"),
        ("~1", "1.0.0 1.9.9", "2.0.0"),
        ("^2", "2.0.0 2.9.9", "3.0.0 1.9.9 3.0.0-rc1"),
        ("^1.2.3", "1.2.3 1.9.0", "1.2.2 2.0.0"),
        ("^0.3.1", "0.3.1 0.3.9", "0.4.0 0.3.0"),
        ("^0.0.3", "0.0.3", "0.0.4"),
        ("^0.0", "0.0.9", "0.1.0"),
        ("^0", "0.9.9", "1.0.0"),
        ("1.2 || ^3", "1.2.5 3.4.0", "1.3.0 2.0.0 4.0.0"),
        (">=1.2.0-rc.2", "1.2.0-rc.2 1.2.0-rc10 1.2.0 1.3.0", "1.2.0-rc1 1.3.0-rc1"),
        ("<2.0.0-rc.1", "1.0.0 2.0.0-beta", "2.0.0-rc.1 2.0.0 1.9.9-rc1"),
        ("1.2.3-rc1", "1.2.3-rc1 1.2.3rc.1", "1.2.3 1.2.3-rc2"),
        (">*", "", "0.0.0 9.9.9"),
    ],
)
def test_a_range_contains_the_versions_of_the_grammar(text: str, inside: str, outside: str) -> None:
    versions = Semver(text)

    assert [tag for tag in inside.split() if not versions.matches(tag)] == []
    assert [tag for tag in outside.split() if versions.matches(tag)] == []


@pytest.mark.parametrize(
    ("variant", "inside", "outside"),
    [
        ("alpine", "1.2.3-alpine", "1.2.3 1.2.3-alpine3.19 1.2.3-slim"),
        ("alpine*", "1.2.3-alpine 1.2.3-alpine3.19", "1.2.3 1.2.3-slim-alpine"),
        ("debian-12-*", "1.2.3-debian-12-r4", "1.2.3-debian-11-r4"),
        ("*", "1.2.3 1.2.3-alpine", "1.1.0"),
    ],
)
def test_a_variant_is_matched_as_a_glob(variant: str, inside: str, outside: str) -> None:
    versions = Semver(">=1.2", variant)

    assert [tag for tag in inside.split() if not versions.matches(tag)] == []
    assert [tag for tag in outside.split() if versions.matches(tag)] == []


def test_pre_releases_match_if_enabled() -> None:
    versions = Semver(">=1.2 <2", prerelease=True)

    assert versions.matches("1.3.0-rc1")
    assert not versions.matches("1.2.0-rc1")  # it is before 1.2
    assert not versions.matches("2.0.0-rc1")


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "is not a range: it has nothing at character 1; write * for any version"),
        (">=1 || ", "is not a range: it has nothing at character 7; write * for any version"),
        (
            "1.2 - 1.4",
            'is not a range from character 5 on: write ">=1.2 <=1.4" instead of "1.2 - 1.4"',
        ),
        (
            "!=1",
            'is not a range from character 1 on: there is no "!="; use `not` in the rule instead',
        ),
        ("1 | 2", 'is not a range from character 3 on: write "||" for "or"'),
        (
            ">=1.2-rc1",
            "is not a range: the pre-release at character 7 needs three numbers before it",
        ),
        ("1.x.2", 'is not a range: a number follows an "x" at character 1'),
        (
            ">=1 two",
            (
                "is not a range from character 5 on: "
                "write comparisons such as >=1.2, <2, ~1.4, ^2 or 1.2.3"
            ),
        ),
    ],
)
def test_an_invalid_range_is_reported_with_the_position(text: str, message: str) -> None:
    with pytest.raises(ValueError, match="is not a range") as caught:
        Semver(text)
    assert str(caught.value) == message


@pytest.mark.parametrize("text", [">=2 <1", ">1.2.3 <1.2.3", "<0", ">1 =1", "<*"])
def test_a_range_without_a_version_is_empty(text: str) -> None:
    assert Semver(text).is_empty


numbers = st.tuples(*[st.integers(0, 3)] * 3)
COMPARE = {
    ">=": lambda a, b: a >= b,
    ">": lambda a, b: a > b,
    "<=": lambda a, b: a <= b,
    "<": lambda a, b: a < b,
    "=": lambda a, b: a == b,
}


@given(
    st.lists(st.tuples(st.sampled_from(sorted(COMPARE)), numbers), min_size=1, max_size=3), numbers
)
def test_whole_versions_compare_as_their_numbers(
    comparisons: list[tuple[str, tuple[int, int, int]]], release: tuple[int, int, int]
) -> None:
    text = " ".join(f"{sign}{'.'.join(map(str, n))}" for sign, n in comparisons)
    expected = all(COMPARE[sign](release, n) for sign, n in comparisons)

    assert expected is Semver(text).matches(".".join(map(str, release)))
    assert not (expected and Semver(text).is_empty)


@given(
    st.text(max_size=20) | st.text("0123456789.xv<>=~^|- rc*", max_size=16), st.text(max_size=20)
)
def test_any_text_is_a_range_or_raises_value_error(text: str, tag: str) -> None:
    try:
        versions = Semver(text)
    except ValueError as exc:
        assert str(exc).startswith("is not a range")  # noqa: PT017  # what else it says is above
    else:
        assert versions.matches(tag) in {True, False}
