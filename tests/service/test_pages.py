"""Every shell block of the tutorial and of the how-to pages, run as it stands."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from swrhook.cli import COMMANDS
from tests.programs import ROOT, needs
from tests.service.pages import TUTORIAL, Block, Shell, blocks, shell, unexpected

HOW_TO = sorted((ROOT / "docs" / "how-to").glob("*.md"))
PAGES = [TUTORIAL, *HOW_TO]
# Pages that are followed in one scene, one after the other: what one changes, the next do not need.
ROUNDS = {
    "look-and-repair": (
        "find-out-why",
        "after-an-outage",
        "wait-in-ci",
        "back-up-and-restore",
        "repair",
    ),
    "change": ("backfill", "change-rules", "rotate-a-secret"),
}
[CONFIGURATION] = re.findall(r"```yaml\n(swr:.*?)```", TUTORIAL.read_text(), re.DOTALL)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Shell]:
    """A terminal in which the tutorial has not begun, but for the file that it shows."""
    terminal = shell(tmp_path)
    terminal.write("swrhook.yaml", CONFIGURATION)
    yield terminal
    terminal.close()


def follow(terminal: Shell, page: Path) -> list[str]:
    """Do what a page says; return what came otherwise than it says."""
    return [wrong for block in blocks(page) for wrong in _do(terminal, block)]


def _do(terminal: Shell, block: Block) -> list[str]:
    if block.is_elsewhere:
        terminal.start(block)
        return []
    ended = terminal.run(block)
    wrong = unexpected(terminal.own(block.shown), ended.stdout)
    if ended.returncode != block.exit_code or wrong:
        return [block.script, f"exit code {ended.returncode}", *wrong, ended.stdout, ended.stderr]
    return []


@needs("bash", "curl", "jq", "openssl")
def test_the_tutorial_comes_out_as_it_says(terminal: Shell) -> None:
    assert follow(terminal, TUTORIAL) == []


@needs("bash", "curl", "jq", "openssl")
@pytest.mark.parametrize("pages", ROUNDS.values(), ids=ROUNDS)
def test_pages_come_out_as_they_say_after_the_tutorial(
    terminal: Shell, pages: tuple[str, ...]
) -> None:
    follow(terminal, TUTORIAL)

    for page in pages:
        assert follow(terminal, ROOT / "docs" / "how-to" / f"{page}.md") == [], page


def test_every_page_is_followed() -> None:
    followed = [page for pages in ROUNDS.values() for page in pages]

    assert sorted(followed) == [page.stem for page in HOW_TO]


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_a_page_names_what_there_is(page: Path) -> None:
    text = page.read_text()
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^):]+)\)", text)]

    assert set(re.findall(r"python -m swrhook (\w+)", text)) <= set(COMMANDS)
    assert [link for link in links if link and not (page.parent / link).exists()] == []


def test_the_index_names_every_page() -> None:
    docs = ROOT / "docs"
    index = (docs / "README.md").read_text()
    linked = {link.partition("#")[0] for link in re.findall(r"\]\(([^):]+)\)", index)}
    pages = {str(page.relative_to(docs)) for page in [*docs.glob("*.md"), *HOW_TO]}

    assert pages - {"README.md"} <= linked
    assert [link for link in linked if link and not (docs / link).exists()] == []
