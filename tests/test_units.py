from contextlib import suppress
from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swrhook.units import Rate, format_duration, parse_duration, parse_rate, parse_size


@pytest.mark.parametrize(
    ("text", "duration"),
    [
        ("500ms", timedelta(milliseconds=500)),
        ("30s", timedelta(seconds=30)),
        ("10m", timedelta(minutes=10)),
        ("24h", timedelta(hours=24)),
        ("30d", timedelta(days=30)),
        ("0s", timedelta()),
        ("007s", timedelta(seconds=7)),
        ("36500d", timedelta(days=36500)),
    ],
)
def test_a_duration_is_an_integer_and_a_unit(text: str, duration: timedelta) -> None:
    assert parse_duration(text) == duration


@pytest.mark.parametrize(
    "text",
    [
        "",
        "s",
        "10",
        "10 s",
        "1.5h",
        "-1s",
        "+1s",
        "1e3s",
        "1s\n",
        "1S",
        "1w",
        "1m30s",
        "\u0661s",
        "\uff11s",
    ],
)
def test_anything_else_is_no_duration(text: str) -> None:
    with pytest.raises(ValueError, match="is not a duration: write an integer and ms, s, m, h or"):
        parse_duration(text)


@pytest.mark.parametrize("text", ["36501d", "999999999d", "999999999h"])
def test_a_duration_has_a_maximum(text: str) -> None:
    with pytest.raises(ValueError, match="longer than a hundred years"):
        parse_duration(text)


@pytest.mark.parametrize(
    ("text", "expected"), [("24h", "1d"), ("90m", "90m"), ("36h", "36h"), ("1500ms", "1500ms")]
)
def test_a_formatted_duration_can_be_parsed(text: str, expected: str) -> None:
    duration = parse_duration(text)

    assert format_duration(duration) == expected
    assert parse_duration(expected) == duration


@pytest.mark.parametrize(
    ("text", "size"),
    [("0B", 0), ("512B", 512), ("4KiB", 4096), ("1MiB", 1_048_576), ("64MiB", 67_108_864)],
)
def test_a_size_is_an_integer_and_a_unit(text: str, size: int) -> None:
    assert parse_size(text) == size


@pytest.mark.parametrize("text", ["", "1", "MiB", "1 MiB", "1MB", "1mib", "1.5MiB", "-1B", "1GiB"])
def test_anything_else_is_no_size(text: str) -> None:
    with pytest.raises(ValueError, match="is not a size: write an integer and B, KiB or MiB"):
        parse_size(text)


@given(st.text())
def test_any_text_is_parsed_or_refused(text: str) -> None:
    for parse in (parse_duration, parse_size):
        with suppress(ValueError):
            parse(text)


@pytest.mark.parametrize(
    ("text", "rate"),
    [("1/s", Rate(1, 1)), ("100/m", Rate(100, 60)), ("999999999/h", Rate(999_999_999, 3600))],
)
def test_a_rate_is_an_integer_and_a_time(text: str, rate: Rate) -> None:
    assert parse_rate(text) == rate
    assert str(rate) == text


@pytest.mark.parametrize(
    "text", ["", "1", "/s", "0/s", "-1/s", "1/d", "1/ms", "1 /s", "1/S", "٣/s", "1/s\n"]
)
def test_anything_else_is_no_rate(text: str) -> None:
    with pytest.raises(ValueError, match="is not a rate"):
        parse_rate(text)
