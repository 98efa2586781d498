from collections.abc import Callable
from datetime import timedelta

import pytest

from swrhook.config.model import Config
from swrhook.units import format_duration, parse_duration


def saying(small: str, every: str) -> str:
    return small.replace("{dialect: harbor,", f"{{dialect: harbor, expect_every: {every},")


def test_how_often_a_sender_delivers_is_read(
    small: str, read: Callable[[str | bytes], Config]
) -> None:
    assert read(small).senders["harbor"].expect_every is None
    assert timedelta(hours=24) == read(saying(small, "24h")).senders["harbor"].expect_every


def test_less_than_a_minute_is_refused(
    small: str, mistakes: Callable[[str | bytes], list[str]]
) -> None:
    [mistake] = mistakes(saying(small, "59s"))

    assert mistake.endswith("senders.harbor.expect_every: must be at least 1m")


@pytest.mark.parametrize(
    ("text", "expected"), [("24h", "1d"), ("90m", "90m"), ("36h", "36h"), ("1500ms", "1500ms")]
)
def test_a_duration_is_written_as_it_can_be_read(text: str, expected: str) -> None:
    duration = parse_duration(text)

    assert expected == format_duration(duration)
    assert duration == parse_duration(expected)
