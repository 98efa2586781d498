import tracemalloc

import pytest

from swrhook.web.dashboard.deliveries import LONGEST_BODY, format_body


@pytest.mark.parametrize(
    ("body", "shown"),
    [
        (b'{"b":[1,2]}', '{\n  "b": [\n    1,\n    2\n  ]\n}'),
        (b"not json", "not json"),
        (b"\xff", "\ufffd"),
        (b"[" * 100_000, "[" * LONGEST_BODY + "\n… the rest is not shown"),
    ],
    ids=["json", "text", "binary", "deep"],
)
def test_a_body_is_formatted_and_shortened(body: bytes, shown: str) -> None:
    assert format_body(body) == shown


def test_a_body_of_many_levels_is_not_indented_beyond_what_is_shown() -> None:
    """Each of its values would be a line of more than 1,000 spaces: 24 MB here, GBs of 1 MiB."""
    body = b"[" * 600 + b",".join([b"1"] * 20_000) + b"]" * 600
    tracemalloc.start()
    try:
        shown = str(format_body(body))
        _, peak = tracemalloc.get_traced_memory()
    finally:
        tracemalloc.stop()

    assert shown.startswith("[\n  [\n    [\n")
    assert peak < 5_000_000
