"""The Chinese README and tutorial show the commands and the output of the English ones."""

import re
from pathlib import Path

import pytest

from tests.programs import ROOT

PAGES = {
    "README.md": "README.zh-CN.md",
    "docs/tutorial.md": "docs/tutorial.zh-CN.md",
}
_BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.DOTALL | re.MULTILINE)


def blocks_without_comments(page: Path) -> list[str]:
    """Return the code blocks; comments are translated, and a drawing has its own labels."""
    return [
        re.sub(r"^# .*\n|\s+# .*$", "", text, flags=re.MULTILINE)
        for _, text in _BLOCK.findall(page.read_text("utf-8"))
        if "┌" not in text
    ]


def links(page: Path) -> list[str]:
    return re.findall(r"\]\(([^)#:]+)", page.read_text("utf-8"))


@pytest.mark.parametrize(("english", "chinese"), PAGES.items())
def test_both_languages_show_the_same_code(english: str, chinese: str) -> None:
    expected = blocks_without_comments(ROOT / english)

    assert len(expected) > 5
    assert blocks_without_comments(ROOT / chinese) == expected


@pytest.mark.parametrize(("english", "chinese"), PAGES.items())
def test_both_languages_have_the_same_sections(english: str, chinese: str) -> None:
    depths = [
        [len(mark) for mark in re.findall(r"^(#+) ", _BLOCK.sub("", text), re.MULTILINE)]
        for text in ((ROOT / page).read_text("utf-8") for page in (english, chinese))
    ]

    assert depths[0] == depths[1]


@pytest.mark.parametrize(("english", "chinese"), PAGES.items())
def test_the_languages_link_each_other_and_nothing_that_is_missing(
    english: str, chinese: str
) -> None:
    first, second = ROOT / english, ROOT / chinese

    assert links(first)[0] == second.name
    assert links(second)[0] == first.name
    assert [link for link in links(second) if not (second.parent / link).exists()] == []
