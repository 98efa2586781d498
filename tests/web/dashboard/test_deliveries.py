import pytest

from swrhook.web.dashboard.deliveries import LONGEST_BODY, format_body


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{"b":[1,2]}', '{\n  "b": [\n    1,\n    2\n  ]\n}'),
        (b"not json", "not json"),
        (b"\xff", "\ufffd"),
        (b"[" * 100_000, "[" * LONGEST_BODY + "\n… 34,464 more characters are not shown"),
    ],
    ids=["json", "text", "binary", "deep"],
)
def test_a_body_is_formatted_and_shortened(body: bytes, shown: str) -> None:
    assert format_body(body) == shown
