"""docs/swr.md has every open fact, with its question."""

import re

from swrhook.usecases.open_facts import QUESTIONS, OpenFact
from tests.programs import ROOT

PAGE = (ROOT / "docs" / "swr.md").read_text(encoding="utf-8")


def test_every_open_fact_is_documented_with_its_question() -> None:
    rows = re.findall(r"^\| `([a-z-]+)`: (.+?) \|", PAGE, re.MULTILINE)

    assert rows == [(fact.value, QUESTIONS[fact]) for fact in OpenFact]


def test_every_row_says_what_is_done_until_then_and_who_answers() -> None:
    rows = [line.split(" | ") for line in PAGE.splitlines() if line.startswith("| `")]

    assert {len(row) for row in rows} == {4}
    answers = {row[3].removesuffix(" |") for row in rows}
    assert answers <= {"record", "canary", "record, canary", "canary, first calls", "nobody"}
