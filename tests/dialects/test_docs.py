"""docs/senders has a page for each dialect, and its examples are valid configurations."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml

from swrhook import config
from swrhook.dialects import DIALECTS
from swrhook.errors import BadConfiguration

FOLDER = Path(__file__).parents[2] / "docs" / "senders"
PAGES = sorted(FOLDER.glob("*.md"))
BLOCKS = [
    pytest.param(block, id=f"{page.stem}-{number}")
    for page in PAGES
    for number, block in enumerate(
        re.findall(
            r"^```yaml\n(senders:\n.*?)^```", page.read_text("utf-8"), re.DOTALL | re.MULTILINE
        )
    )
]
SECRET = "a-value-long-enough"  # that a path may hold, too
BASE: dict[str, Any] = {
    "swr": {
        "iam_endpoint": "https://iam.myhuaweicloud.com",
        "credentials": {"kind": "token", "token": "${TOKEN}"},
        "regions": {"cn-north-4": {}, "cn-east-3": {}, "ap-southeast-1": {}},
    },
    "rules": [],
}

every_page = pytest.mark.parametrize("page", [pytest.param(page, id=page.stem) for page in PAGES])


def is_there(page: Path, link: str) -> bool:
    return link.startswith(("https://", "#")) or (page.parent / link.partition("#")[0]).exists()


@pytest.mark.parametrize("dialect", DIALECTS)
def test_every_dialect_has_a_page_and_a_line_in_the_list(dialect: str) -> None:
    assert (FOLDER / f"{dialect}.md").exists()
    assert f"`{dialect}`" in (FOLDER / "README.md").read_text("utf-8")


@pytest.mark.parametrize("block", BLOCKS)
def test_every_sender_shown_is_valid(block: str) -> None:
    names = re.findall(r"\$\{([A-Z][A-Z0-9_]*)\}", block)
    text = yaml.safe_dump(BASE | yaml.safe_load(block)).encode()
    environ = dict.fromkeys([*names, "TOKEN"], SECRET)
    try:
        config.parse(text, file="page", environ=environ, read_file=lambda _: SECRET)
    except BadConfiguration as exc:
        pytest.fail(str(exc))


@every_page
def test_a_dialects_page_shows_a_sender_with_the_dialect(page: Path) -> None:
    shown = re.findall(r"\bdialect: ([\w-]+)", page.read_text("utf-8"))
    assert page.stem not in DIALECTS or page.stem in shown


@every_page
def test_every_link_leads_somewhere(page: Path) -> None:
    links = re.findall(r"\]\(([^)]+)\)", page.read_text("utf-8"))
    assert [link for link in links if not is_there(page, link)] == []
