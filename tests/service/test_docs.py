"""Run every shell block of the tutorial and the how-to pages, and compare its output."""

import re
from collections.abc import Iterator
from pathlib import Path

import pytest

from swrhook.cli import COMMANDS
from tests.programs import ROOT, needs
from tests.service.shell_blocks import TUTORIAL, Block, Shell, blocks, missing_lines, shell

HOW_TO = sorted((ROOT / "docs" / "how-to").glob("*.md"))
PAGES = [TUTORIAL, *HOW_TO]
# How-to pages that are run one after the other on the same service: none depends on what an
# earlier one changes.
ROUNDS = {
    "look-and-repair": (
        "find-out-why",
        "after-an-outage",
        "wait-in-ci",
        "gate-deployments",
        "get-notified",
        "back-up-and-restore",
        "repair",
        "ask-your-account",
    ),
    "change": (
        "write-rules",
        "backfill",
        "change-rules",
        "rotate-a-secret",
        "replace-automatic-sync",
        "single-sign-on",
    ),
}
[CONFIGURATION] = re.findall(r"```yaml\n(swr:.*?)```", TUTORIAL.read_text(), re.DOTALL)


@pytest.fixture
def terminal(tmp_path: Path) -> Iterator[Shell]:
    """A terminal before the tutorial, with the configuration that it shows."""
    terminal = shell(tmp_path)
    terminal.write("swrhook.yaml", CONFIGURATION)
    yield terminal
    terminal.close()


def follow(terminal: Shell, page: Path) -> list[str]:
    """Run a page's blocks; return how their output differs from the documented one."""
    return [line for block in blocks(page) for line in _run(terminal, block)]


def _run(terminal: Shell, block: Block) -> list[str]:
    if block.is_background:
        terminal.start(block)
        return []
    result = terminal.run(block)
    missing = missing_lines(terminal.own(block.shown), result.stdout)
    if result.returncode != block.exit_code or missing:
        return [
            block.script,
            f"exit code {result.returncode}",
            *missing,
            result.stdout,
            result.stderr,
        ]
    return []


@needs("bash", "curl", "jq", "openssl")
@pytest.mark.parametrize("pages", ROUNDS.values(), ids=ROUNDS)
def test_the_tutorial_and_how_to_pages_give_the_documented_output(
    terminal: Shell, pages: tuple[str, ...]
) -> None:
    assert follow(terminal, TUTORIAL) == []
    for page in pages:
        assert follow(terminal, ROOT / "docs" / "how-to" / f"{page}.md") == [], page


def test_every_how_to_page_is_tested() -> None:
    tested = [page for pages in ROUNDS.values() for page in pages]

    assert sorted(tested) == [page.stem for page in HOW_TO]


@pytest.mark.parametrize("page", PAGES, ids=[page.stem for page in PAGES])
def test_commands_and_links_of_a_page_exist(page: Path) -> None:
    text = page.read_text()
    links = [link.partition("#")[0] for link in re.findall(r"\]\(([^):]+)\)", text)]

    assert set(re.findall(r"python -m swrhook ([\w-]+)", text)) <= set(COMMANDS)
    assert [link for link in links if link and not (page.parent / link).exists()] == []


def test_the_index_links_every_page() -> None:
    docs = ROOT / "docs"
    index = (docs / "README.md").read_text()
    linked = {link.partition("#")[0] for link in re.findall(r"\]\(([^):]+)\)", index)}
    pages = {str(page.relative_to(docs)) for page in [*docs.glob("*.md"), *HOW_TO]}

    assert pages - {"README.md"} <= linked
    assert [link for link in linked if link and not (docs / link).exists()] == []
