"""docs/security.md promises what a test attacks, and its table is the registry's."""

import ast
from pathlib import Path

import pytest

from tests.attacks import BOUNDARIES, page_with, table
from tests.attacks import PAGE as SECURITY
from tests.programs import ROOT

TESTS = sorted(
    {test for attacks in BOUNDARIES.values() for attack in attacks for test in attack.tests}
)


def functions(file: Path) -> set[str]:
    return {node.name for node in ast.parse(file.read_text()).body if hasattr(node, "name")}


@pytest.mark.parametrize("test", TESTS)
def test_every_test_of_an_attack_exists(test: str) -> None:
    file, _, name = test.partition("::")
    names = functions(ROOT / "tests" / file)

    assert name in names if name else any(each.startswith("test_") for each in names)


def test_the_page_has_the_table_of_the_registry() -> None:
    assert SECURITY.read_text() == page_with(table()), "run: make tables"
