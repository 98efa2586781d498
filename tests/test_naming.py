"""Names and layout stay readable: each rule here has its reason in CONTRIBUTING.md."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import grimp
import pytest

from tests.programs import ROOT

# A module is named for the noun that it holds; these are nouns of the field all the same.
NOUNS = {"mapping", "routing", "signing"}
# A variable is named for its value: none of these says what that is.
FILLERS = frozenset(
    ["found", "each", "told", "wanted", "said", "made", "given", "known", "held", "taken"]
)
MOST_LINES = 300
# A first revision makes every table.
LONG = {"swrhook/ledger/migrations/versions/v1_0001_first_ledger.py"}

TRACKED = subprocess.run(
    ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=False
).stdout.splitlines()
MODULES = [name for name in TRACKED if re.fullmatch(r"(swrhook/.*|app|wsgi)\.py", name)]
pytestmark = pytest.mark.skipif(not TRACKED, reason="not a git repository")


def test_no_module_is_named_by_a_gerund_or_a_participle() -> None:
    stems = {Path(name).stem for name in MODULES}

    assert {stem for stem in stems if re.search(r"(ing|ed)$", stem)} - NOUNS == set()


def test_no_module_repeats_the_name_of_its_package() -> None:
    repeating = [name for name in MODULES if Path(name).parent.name in Path(name).stem.split("_")]

    assert repeating == []


def test_no_module_is_longer_than_one_can_read_at_once() -> None:
    lengths = {name: len((ROOT / name).read_text().splitlines()) for name in MODULES}

    assert {name for name, lines in lengths.items() if lines > MOST_LINES} - LONG == set()


def test_variables_are_named_for_what_they_hold() -> None:
    fillers = [
        f"{name}:{line}: {variable}"
        for name in MODULES
        for line, variable in _variables(ast.parse((ROOT / name).read_text()))
        if variable in FILLERS
    ]

    assert fillers == []


def test_quotation_marks_are_english() -> None:
    # Recorded requests and packages of others are what they are; Chinese text has its own marks.
    others = re.compile(r"tests/deliveries/|swrhook/web/swagger/|.*zh|.*\.png$")
    texts = [name for name in TRACKED if not others.match(name) and (ROOT / name).is_file()]

    assert [
        name
        for name in texts
        if any(mark in (ROOT / name).read_text("utf-8", "replace") for mark in "\u00ab\u00bb")
    ] == []


def test_no_modules_import_each_other() -> None:
    graph = grimp.build_graph("swrhook", cache_dir=None)
    imports = {name: graph.find_modules_directly_imported_by(name) for name in graph.modules}

    assert list(_circles(imports)) == []


def _variables(tree: ast.AST) -> Iterator[tuple[int, str]]:
    """Yield variables and parameters; a value's attributes may be members of the API."""
    attributes = {
        item.target
        for node in ast.walk(tree)
        if isinstance(node, ast.ClassDef)
        for item in node.body
        if isinstance(item, ast.AnnAssign)
    }
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and isinstance(node.ctx, ast.Store):
            if node not in attributes:
                yield node.lineno, node.id
        elif isinstance(node, ast.arg):
            yield node.lineno, node.arg


def _circles(imports: dict[str, set[str]]) -> Iterator[set[str]]:
    """Yield what is left when modules that import nothing left are taken away, again and again."""
    left = {
        name: {other for other in others if other in imports} for name, others in imports.items()
    }
    while leaves := {name for name, others in left.items() if not others}:
        left = {name: others - leaves for name, others in left.items() if name not in leaves}
    while roots := set(left) - {other for others in left.values() for other in others}:
        left = {name: others for name, others in left.items() if name not in roots}
    if left:
        yield set(left)
