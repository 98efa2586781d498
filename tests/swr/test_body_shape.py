import json

import pytest

from swrhook.swr.body_shape import body_shape
from tests.swr.clients import answer


@pytest.mark.parametrize(
    ("content", "expected"),
    [
        ([], "[]"),
        (["v1"], "[string]"),
        (["v1", "v2"], "[string, 2 of them]"),
        ({"errors": [{"errorCode": "x", "n": 1}]}, "{errors: [{errorCode: string, n: number}]}"),
        ({"ok": True, "none": None, "share": 0.5}, "{ok: boolean, none: null, share: number}"),
        (None, "null"),
        (
            {str(number): 1 for number in range(20)},
            "{" + ", ".join([f"{number}: number" for number in range(12)] + ["…"]) + "}",
        ),
        ([[[[[[[1]]]]]]], "[[[[[[…]]]]]]"),
    ],
)
def test_the_shape_has_members_and_types_but_no_value(content: object, expected: str) -> None:
    assert body_shape(answer(200, json.dumps(content).encode())) == expected


@pytest.mark.parametrize(
    ("body", "headers", "expected"),
    [
        (b"", {}, "empty"),
        (b" \n", {}, "empty"),
        (
            b"<html>secret</html>",
            {"content-type": "text/html; x=y"},
            "not JSON (text/html), 19 bytes",
        ),
        (b"\xff", {}, "not JSON (no content type), 1 bytes"),
        (b"[" * 100_000, {}, "not JSON (no content type), 100000 bytes"),
    ],
)
def test_any_body_has_a_shape(body: bytes, headers: dict[str, str], expected: str) -> None:
    assert body_shape(answer(200, body, headers)) == expected


def test_a_shape_is_short() -> None:
    content = {f"{number}" * 500: {"x" * 50: 1} for number in range(10)}

    assert len(body_shape(answer(200, json.dumps(content).encode()))) <= 401
