"""The page on scheduling and the decision show the weights that the engine uses."""

import re

import pytest

from swrhook.engine.fair_queue import WEIGHTS
from tests.programs import ROOT

PAGES = ("docs/scheduling.md", "docs/decisions/0032-one-fair-queue-in-the-ledger.md")


@pytest.mark.parametrize("page", PAGES)
def test_the_page_shows_the_weights(page: str) -> None:
    rows = re.findall(r"^ *\| (\w+) \| [^|]+ \| (\d+) \|$", (ROOT / page).read_text(), re.MULTILINE)

    assert rows == [(urgency.name.lower(), str(weight)) for urgency, weight in WEIGHTS.items()]
