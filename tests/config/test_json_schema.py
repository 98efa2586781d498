"""`check --schema`: check refuses all that the schema refuses; both refuse a wrong shape."""

import json
import re
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner
from hypothesis import given, settings
from hypothesis import strategies as st
from jsonschema import Draft202012Validator

from swrhook.cli import main
from swrhook.config import parse
from swrhook.config.json_schema import json_schema
from swrhook.config.yaml_document import read as read_document
from swrhook.errors import BadConfiguration

ROOT = Path(__file__).parents[2]
VALIDATOR = Draft202012Validator(json_schema())
EXAMPLE = read_document((ROOT / "swrhook.example.yaml").read_bytes()).data
SECTIONS = ("swr:", "access:", "senders:", "rules:", "defaults:", "settings:")
BLOCKS = [
    pytest.param(block, id=f"{page.stem}-{number}")
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").rglob("*.md"))]
    for number, block in enumerate(
        re.findall(r"^```yaml\n(.*?)^```", page.read_text(), re.MULTILINE | re.DOTALL)
    )
    if block.startswith(SECTIONS)
]


def is_right(document: Any) -> bool:
    names = re.findall(r"\$\{([A-Z_]+)\}", json.dumps(document))
    environ = {name: f"a-value-of-{name}" for name in names}
    try:
        parse(
            json.dumps(document).encode(), file="f", environ=environ, read_file=lambda _: "a" * 24
        )
    except BadConfiguration:
        return False
    return True


def test_the_command_prints_a_valid_schema() -> None:
    Draft202012Validator.check_schema(json_schema())
    printed = CliRunner().invoke(main, ["check", "--schema"])

    assert (0, json_schema()) == (printed.exit_code, json.loads(printed.output))


def test_the_example_matches_the_schema() -> None:
    assert list(VALIDATOR.iter_errors(EXAMPLE)) == []


@pytest.mark.parametrize("block", BLOCKS)
def test_every_block_in_the_docs_matches_the_schema(block: str) -> None:
    document = read_document(block.encode()).data
    least = {"swr": EXAMPLE["swr"], "senders": {}, "rules": []}

    assert [error.message for error in VALIDATOR.iter_errors(least | document)] == []


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[Any, ...]]:
    yield path
    if isinstance(value, dict | list):
        for step, item in value.items() if isinstance(value, dict) else enumerate(value):
            yield from places(item, (*path, step))


def changed(document: Any, path: tuple[Any, ...], change: Callable[[Any], Any]) -> Any:
    if not path:
        return change(document)
    copy = dict(document) if isinstance(document, dict) else list(document)
    copy[path[0]] = changed(copy[path[0]], path[1:], change)
    return copy


CHANGES: list[Callable[[Any], Any]] = [
    lambda _: None,
    lambda _: 5,
    lambda _: [],
    lambda _: {},
    lambda _: {"regex": "a"},
    lambda _: "text",
    lambda _: "",
    lambda _: True,
    lambda value: {**value, "unknown": 1} if isinstance(value, dict) else 1.5,
    lambda value: dict(list(value.items())[1:]) if isinstance(value, dict) else [None],
]


@settings(max_examples=60)
@given(st.sampled_from(list(places(EXAMPLE))), st.sampled_from(CHANGES))
def test_check_refuses_what_the_schema_refuses(
    path: tuple[Any, ...], change: Callable[[Any], Any]
) -> None:
    document = changed(EXAMPLE, path, change)

    assert VALIDATOR.is_valid(document) or not is_right(document)


RULE = ("rules", 0)
PER_SECOND = ("settings", "pace", "per_second")


@pytest.mark.parametrize(
    ("path", "change"),
    [
        pytest.param((), lambda it: {**it, "rulez": []}, id="an unknown section"),
        pytest.param((), lambda it: {k: it[k] for k in it if k != "rules"}, id="no rules"),
        pytest.param(RULE, lambda it: {**it, "shadows": True}, id="an unknown key"),
        pytest.param(RULE, lambda it: {"name": it["name"]}, id="missing keys"),
        pytest.param((*RULE, "when"), lambda it: {**it, "repo": "a"}, id="an unknown field"),
        pytest.param((*RULE, "when", "tag"), lambda _: {"sember": "1"}, id="an unknown pattern"),
        pytest.param((*RULE, "when", "tag"), lambda _: {"semver": 1.2}, id="a number as range"),
        pytest.param((*RULE, "when", "sender"), lambda _: {"semver": "1"}, id="no tag"),
        pytest.param((*RULE, "when", "sender"), lambda _: [], id="an empty list"),
        pytest.param((*RULE, "sync"), lambda _: [], id="no target"),
        pytest.param((*RULE, "sync", 1, "override"), lambda _: "yes", id="text for a truth value"),
        pytest.param(("senders", "ci", "auth", "scheme"), lambda _: "hmak", id="no such scheme"),
        pytest.param(("senders", "ci", "dialect"), lambda _: "harbour", id="no such dialect"),
        pytest.param(("settings", "batch"), lambda _: 0, id="out of bounds"),
    ],
)
def test_schema_and_check_refuse_a_wrong_shape(
    path: tuple[Any, ...], change: Callable[[Any], Any]
) -> None:
    document = changed(EXAMPLE, path, change)

    assert (VALIDATOR.is_valid(document), is_right(document)) == (False, False)


@pytest.mark.parametrize("value", ["auto", 1, 10_000])
def test_schema_and_check_accept_a_pace(value: object) -> None:
    document = changed(EXAMPLE, PER_SECOND, lambda _: value)

    assert (VALIDATOR.is_valid(document), is_right(document)) == (True, True)


@pytest.mark.parametrize("value", ["fast", "20", 0, 10_001, 1.5, None, True, ["auto"]])
def test_schema_and_check_refuse_a_wrong_pace(value: object) -> None:
    document = changed(EXAMPLE, PER_SECOND, lambda _: value)

    assert (VALIDATOR.is_valid(document), is_right(document)) == (False, False)


def test_check_accepts_the_example() -> None:
    assert is_right(EXAMPLE)
