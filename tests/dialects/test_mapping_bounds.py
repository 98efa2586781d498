"""What expressions may not do: multiply what was sent, or end without an answer."""

import json
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from jmespath.functions import Functions

from swrhook.dialects import mapping
from swrhook.errors import Ignored, Undecodable, UnknownShape
from swrhook.model import Reading
from swrhook.senders.delivery import Delivery
from tests.dialects.damage import documents

FUNCTIONS = sorted(Functions.FUNCTION_TABLE)


@pytest.mark.parametrize(
    "expression",
    [
        "a[].{x: p, y: q}",
        "results[?status == 'ok' && kind == 'image'].join(':', [name, tag])",
        "join('', [join('/', [host, team, name]), ':', tag])",
        "map(&join(':', [@.name, @.tag]), images)",
        "*.*.*",
        "not_null(a, b, c, 'd')",
        "sort_by(images, &time)[-1].name",
    ],
)
def test_what_people_write_is_allowed(expression: str) -> None:
    assert expression == mapping.compiled(expression).expression


@pytest.mark.parametrize(
    "expression",
    [
        "|".join(["[@, @][]"] * 6),
        "[@, @].[@, @].[@, @].[@, @].[@, @].[@, @]",
        "join('', [@, @, @, @]) | join('', [@, @, @, @]) | join('', [@, @])",
        "to_string([[@,@,@],[@,@,@],[@,@,@]] | [@, @, @, @])",
        "map(&[@, @, @, @, @, @], [@, @, @, @, @, @])",
        "{a: [@, @, @, @], b: [@, @, @, @]} | [*, *, *, *, *][]",
    ],
)
def test_what_could_multiply_the_document_is_refused(expression: str) -> None:
    with pytest.raises(ValueError, match="may repeat a value"):
        mapping.compiled(expression)


OPERATORS = "[] [*] [0] [::0] [::-1] [?a] . | || && ! == < ( ) [ ] { } , : & @ * 'x' `1`"
pieces = st.sampled_from(
    ["a", "b", "image", "tag", *OPERATORS.split(), *(f"{name}(" for name in FUNCTIONS)]
)


def outcome(pieces: list[str], document: Any) -> Reading | Exception:
    try:
        built = mapping.build({key: ["".join(pieces)] for key in ("image", "tag", "id", "when")})
        return built(Delivery({}, json.dumps(document).encode()))
    except (Ignored, UnknownShape, Undecodable, ValueError) as exc:
        return exc


@settings(max_examples=300)
@given(st.lists(pieces, max_size=14), documents)
def test_any_expression_is_refused_or_has_an_answer(pieces: list[str], document: Any) -> None:
    found = outcome(pieces, document)

    assert "\n" not in str(found)
    assert isinstance(found, Exception) or found.announcements


def test_a_deep_document_has_an_answer() -> None:
    body = b"[" * 100 + b"]" * 100
    for expression in ("to_string(@)", "@ == [@]", "[][][]", "*"):
        with pytest.raises((Ignored, UnknownShape)):
            mapping.build({"image": [expression]})(Delivery({}, body))
