"""Every dialect has a module, a line in the table and a recording."""

from importlib import import_module
from pathlib import Path

import swrhook.dialects
from swrhook.dialects import DIALECTS
from tests.dialects.recordings import FOLDER, recordings

MODULES = Path(swrhook.dialects.__file__).parent
# No event of theirs names an image's tag: what they say is why, and what to do instead.
SILENT = {"buildkite", "circleci", "drone"}


def module_of(dialect: str) -> str:
    return dialect.replace("-", "_")


def test_every_module_is_in_the_table() -> None:
    modules = {path.stem for path in MODULES.glob("*.py")} - {"__init__"}
    assert modules == {module_of(dialect) for dialect in DIALECTS}


def test_the_table_has_the_parse_function_of_each_module() -> None:
    for dialect, parse in DIALECTS.items():
        function = getattr(parse, "func", parse)  # an envelope is given the other dialects
        assert function is import_module(f"swrhook.dialects.{module_of(dialect)}").parse


def test_the_table_is_sorted() -> None:
    assert sorted(DIALECTS) == list(DIALECTS)


def test_every_dialect_has_a_recording_that_announces_a_tag() -> None:
    assert set(DIALECTS) - SILENT == {r.dialect for r in recordings() if r.expected.get("pushes")}


def test_a_dialect_that_announces_nothing_recommends_the_generic_dialect() -> None:
    reasons = {
        r.dialect for r in recordings() if "`dialect: generic`" in r.expected.get("ignored", "")
    }
    assert reasons >= SILENT


def test_every_folder_of_recordings_belongs_to_a_dialect() -> None:
    assert set(DIALECTS) == {path.name for path in FOLDER.iterdir() if path.is_dir()}


def test_every_request_has_its_statement_and_every_statement_its_request() -> None:
    for folder in FOLDER.iterdir():
        requests = {path.stem for path in folder.glob("*.http")}
        statements = {path.stem for path in folder.glob("*.json")}
        assert requests == statements
        assert len(requests) + len(statements) == len(list(folder.iterdir()))
