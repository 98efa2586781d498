import json
from collections.abc import Iterator
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swrhook.config.nodes import Data, NodePath, Position, Positions
from swrhook.config.yaml_document import (
    MAX_ALIASED_VALUES,
    MAX_DEPTH,
    FastLoader,
    PythonLoader,
    compose,
    read,
    resolve,
)
from swrhook.config.yaml_errors import MAX_FILE_SIZE, NotYaml


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("true", True),
        ("False", False),
        ("", None),
        ("~", None),
        ("null", None),
        ("0", 0),
        ("-17", -17),
        ("+5", 5),
        ("1.5", 1.5),
        ("1e3", 1000.0),
        (".5", 0.5),
        # YAML 1.1 has other types for these; here they are text.
        ("yes", "yes"),
        ("off", "off"),
        ("010", "010"),
        ("0x1f", "0x1f"),
        ("1_000", "1_000"),
        ("12:30:45", "12:30:45"),
        ("2026-01-31", "2026-01-31"),
        ("1" * 19, "1" * 19),
        (".inf", ".inf"),
        ("٣", "٣"),
    ],
)
def test_an_unquoted_scalar_has_its_core_schema_value(text: str, value: object) -> None:
    assert (value, type(value)) == (resolve(text), type(resolve(text)))


def test_quoted_text_stays_text() -> None:
    assert read(b"{a: '1', b: \"true\", c: ''}").data == {"a": "1", "b": "true", "c": ""}


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        (b"", "1:1 the file is empty"),
        (b"# nothing\n", "1:1 the file is empty"),
        (b"a: 1\n--- \nb: 2\n", '2:1 a second document ("---"): only one is allowed'),
        (b"a:\n\tb: 1\n", "2:1 a tab: indent with spaces"),
        (
            b"a: b: c\n",
            '1:5 ":" is not expected here: check the indentation, and quote text that holds ": "',
        ),
        (b"a: 1\n b: 2\n", '2:3 ":" is not expected here: check the indentation, and quote text'),
        (b"a:\n  - 1\n - 2\n", "3:2 the indentation does not fit the lines before"),
        (b"a: [1, 2\nb: 3\n", '2:2 the list […] is not closed: "," or "]" is expected'),
        (b"a: {b: 1\nc: 2\n", '2:2 the mapping {…} is not closed: "," or "}" is expected'),
        (b'a: "b\n', "2:1 a quote is not closed"),
        (b'a: "\\q"', '1:6 unknown escape after "\\"'),
        (b"a: @b", '1:4 text that starts with "@" needs quotes'),
        (b"a: %b", '1:4 text that starts with "%" needs quotes'),
        (b"a: `b", '1:4 text that starts with "`" needs quotes'),
        (b"a: *b", '1:4 no anchor of this name before it: text that starts with "*" needs quotes'),
        (b"a: * b", '1:5 an alias needs a name: text that starts with "*" needs quotes'),
        (b"a: &? b", '1:5 an anchor needs a name: text that starts with "&" needs quotes'),
        (b"a: &x [*x]", "1:8 no anchor of this name before it"),
        (b"- &x a\n- {b: *x, c: [*x, &x d]}", "2:19 this anchor is defined above already"),
        (b"- &x a\n- &y {b: *x, c: [*x, *y]}", "2:22 no anchor of this name before it"),
        (b"a: !x!y b", "1:4 this is not valid YAML"),
        (b"a: \xff", "1:4 this is not UTF-8: save the file as UTF-8"),
        ("é: 1\nb: ".encode() + b"\xe9", "2:4 this is not UTF-8: save the file as UTF-8"),
        ("a: 1".encode("utf-16"), "1:1 the file is UTF-16: save it as UTF-8"),
        (b"a: b\x00", "1:5 the control character U+0000 is not allowed"),
        (b"[" * 100_000, f"1:{MAX_DEPTH + 1} more than 32 levels of nesting"),
        (b"- " * 100_000, f"1:{2 * MAX_DEPTH + 1} more than 32 levels of nesting"),
        (b"#" * (MAX_FILE_SIZE + 1), "1:1 the file is larger than 4 MiB"),
    ],
)
def test_a_syntax_error_has_a_position_and_an_explanation(content: bytes, expected: str) -> None:
    with pytest.raises(NotYaml) as caught:
        read(content)

    position = caught.value.position
    assert f"{position.line}:{position.column} {caught.value}".startswith(expected)


@pytest.mark.parametrize(
    ("content", "value", "refused"),
    [
        (b"a: 1\na: 2", {"a": 1}, "2:1 this key stands in line 1 already: keep one"),
        (b"1: a", {}, "1:1 a key must be text: put it in quotes"),
        (b"? [x]\n: a", {}, "1:3 a key must be text: put it in quotes"),
        (b"<<: {a: 1}", {}, '1:1 merge keys ("<<") are not supported: write the keys out'),
        (
            b"a: !!int '1'",
            {"a": "1"},
            '1:4 tags are not supported: text that starts with "!" needs quotes',
        ),
        (
            b"a: ! b",
            {"a": "b"},
            '1:4 tags are not supported: text that starts with "!" needs quotes',
        ),
        (
            b'a: "\\ud83d"',
            {"a": ""},
            "1:4 an escape in this text stands for half a character",
        ),
    ],
)
def test_a_refused_part_is_left_out_and_has_a_position(
    content: bytes, value: object, refused: str
) -> None:
    document = read(content)

    assert document.data == value
    assert [f"{p.line}:{p.column} {message}" for p, message in document.refused] == [refused]


def test_a_quoted_merge_key_is_a_key() -> None:
    assert read(b'"<<": 1').data == {"<<": 1}


def test_an_alias_has_the_value_of_its_anchor() -> None:
    assert read(b"{a: &x [1], b: *x}").data == {"a": [1], "b": [1]}


def test_aliases_cannot_expand_to_too_many_values() -> None:
    lines = [b"a0: &a0 [1, 1, 1, 1, 1, 1, 1, 1, 1]"]
    lines += [b"a%d: &a%d [%s]" % (n, n, b", ".join([b"*a%d" % (n - 1)] * 9)) for n in range(1, 10)]

    with pytest.raises(
        NotYaml, match=f"aliases stand for more than {MAX_ALIASED_VALUES} values"
    ) as caught:
        read(b"\n".join(lines))

    assert caught.value.position == Position(5, 10)


def test_aliases_cannot_nest_too_deeply() -> None:
    lines = [b"a0: &a0 [1]"] + [b"a%d: &a%d [*a%d]" % (n, n, n - 1) for n in range(1, 99)]

    with pytest.raises(NotYaml, match="more than 32 levels of nesting") as caught:
        read(b"\n".join(lines))

    assert caught.value.position == Position(31, 12)


def test_a_missing_value_has_the_position_of_its_parent() -> None:
    positions = read(b"a:\n  b: [1,\n    {c: 2}]\n").positions

    assert Position(3, 9) == positions.of(("a", "b", 1, "c"))
    assert Position(3, 6) == positions.of(("a", "b", 1, "c"), of_key=True)
    assert Position(2, 3) == positions.of(("a", "b"), of_key=True)
    assert Position(3, 5) == positions.of(("a", "b", 1, "d"))
    assert Position(1, 1) == positions.of(("x", "y"))


def test_keys_that_are_refused_have_no_position() -> None:
    positions = read(b"? [x]\n: a\nb: 1\nb: 2\n1: c").positions

    assert Position(3, 4) == positions.of(("b",))
    assert Position(1, 1) == positions.of(("x",))


def test_json_may_have_tabs_and_escapes() -> None:
    value = {"a": [1, "\U0001f600\t\u0000"], "b": {"c": None}}

    assert value == read(json.dumps(value, indent="\t").encode()).data


def test_a_tab_in_a_yaml_string_survives() -> None:
    assert read(b"{a: 'x\ty'}").data == {"a": "x\ty"}


_JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(10**17), 10**17)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(codec="utf-8")),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(max_size=20), inner),
    max_leaves=20,
)


@given(_JSON, st.sampled_from([None, 2, "\t"]))
def test_json_is_read_as_json(value: Any, indent: int | str | None) -> None:
    assert value == read(json.dumps(value, indent=indent).encode()).data


def values_with_positions(
    data: Data, positions: Positions, path: NodePath = ()
) -> Iterator[tuple[NodePath, Data, Position, Position]]:
    yield path, data, positions.of(path), positions.of(path, of_key=True)
    steps = data if isinstance(data, dict) else range(len(data)) if isinstance(data, list) else ()
    for step in steps:
        yield from values_with_positions(data[step], positions, (*path, step))


def test_both_parsers_agree_on_values_and_positions(example: str, small: str) -> None:
    # For an empty value within {…} the positions differ by a column, so none is in here.
    empties = "a:\ne:\n  - \n  -\n"
    for text in (example, small, empties, json.dumps({"a": [1, {"b": "é"}]}, indent=1)):
        fast = compose(text, FastLoader)
        slow = compose(text, PythonLoader)
        by_libyaml = list(values_with_positions(fast.data, fast.positions))
        assert list(values_with_positions(slow.data, slow.positions)) == by_libyaml
