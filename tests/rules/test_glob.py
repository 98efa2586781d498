"""Globs match whole values as defined."""

from functools import cache

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from swrhook.rules.glob import Glob


def fits(glob: str, value: str) -> bool:
    """Match slowly, without regular expressions, as a reference."""

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
def test_a_glob_matches_as_defined(glob: str, value: str) -> None:
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
def test_usual_globs(glob: str, value: str, *, fit: bool) -> None:
    assert Glob(glob).matches(value) is fit


def test_a_glob_with_many_stars_is_fast() -> None:
    assert not Glob("*a" * 40 + "b").matches("a" * 20_000)


def test_a_glob_shows_its_text() -> None:
    assert repr(Glob("web/*")) == "Glob('web/*')"
