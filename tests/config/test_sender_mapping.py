"""The key `mapping` of a sender."""

import json
from collections.abc import Callable

import pytest

from swrhook.config import Config
from swrhook.model import Announcement
from swrhook.senders.delivery import Delivery

Read = Callable[[str | bytes], Config]
Mistakes = Callable[[str | bytes], list[str]]

FUNCTIONS = (
    "abs, avg, ceil, contains, ends_with, floor, join, keys, length, map, max, max_by, merge, min,"
    " min_by, not_null, reverse, sort, sort_by, starts_with, sum, to_array, to_number, to_string,"
    " type, values"
)
PATH = "senders.harbor.mapping"
DOUBLING = "|".join(["[@, @][]"] * 40)


def with_mapping(small: str, written: str) -> str:
    return small.replace("dialect: harbor,", f"dialect: mapping, mapping: {written},")


@pytest.mark.parametrize(
    ("written", "message"),
    [
        ("{image: 'a['}", "f:6:47: {}.image: is not JMESPath from character 3 on"),
        ("{image: a, tag: [b, 'c d']}", "f:6:59: {}.tag[1]: is not JMESPath from character 3"),
        (
            "{image: a, when: 'no(@)'}",
            f"{{}}.when: calls an unknown function; the functions are {FUNCTIONS}",
        ),
        ("{image: a, id: 'join(@)'}", "{}.id: calls join() with the wrong number of arguments"),
        ("{image: a, id: 'merge()'}", "{}.id: calls merge() with the wrong number of arguments"),
        (f"{{image: '{'!' * 1000}a'}}", "{}.image: is nested too deeply"),
        (f"{{image: '{DOUBLING}'}}", f"{{}}.image: may repeat a value {2**40} times"),
        ("{image: '${TOKEN} ${TOKEN}'}", "{}.image: is not JMESPath from character 7 on"),
        ("{image: a, tag: 1}", "{}.tag: must be text, not a number"),
        ("{image: []}", "{}.image: is an empty list: write at least one value"),
        ("{image: a, tags: b}", '{}: there is no such key: did you mean "tag"?'),
        ("{tag: a}", 'f:6:39: {}: must have one of "image" and "repository"'),
        ("{image: a, repository: b}", '{}: must have one of "image" and "repository'),
        ("{image: a, namespace: b}", '{}: namespace is only for "repository"'),
        ("[]", "{}: must be a mapping"),
    ],
)
def test_a_wrong_expression_is_a_mistake_with_a_position(
    written: str, message: str, small: str, mistakes: Mistakes
) -> None:
    (mistake,) = mistakes(with_mapping(small, written))

    assert mistake.startswith("f:6:")
    assert message.format(PATH) in mistake
    assert "sesame" not in mistake


def test_the_dialect_mapping_needs_expressions(small: str, mistakes: Mistakes) -> None:
    lines = mistakes(small.replace("dialect: harbor", "dialect: mapping"))

    assert [f"f:6:3: {PATH}: is missing: this dialect cannot find an image without it"] == lines


def test_no_other_dialect_takes_expressions(small: str, mistakes: Mistakes) -> None:
    lines = mistakes(small.replace("dialect: harbor", "dialect: harbor, mapping: {image: a}"))

    assert [f'f:6:38: {PATH}: is only for the dialect "mapping": no other reads it'] == lines


def test_a_sender_parses_with_its_own_expressions(small: str, read: Read) -> None:
    written = "{namespace: \"'team'\", repository: [a, b], tag: t, when: [a, b]}"
    parse = read(with_mapping(small, written)).senders["harbor"].parse
    assert parse is not None
    body = json.dumps({"a": "x.example/web", "b": "api", "t": 7}).encode()

    expected = (Announcement("team/web", "7"), Announcement("team/api", "7"))
    assert expected == parse(Delivery({}, body)).announcements


def test_other_senders_have_no_parser_of_their_own(small: str, read: Read) -> None:
    assert read(small).senders["harbor"].parse is None
