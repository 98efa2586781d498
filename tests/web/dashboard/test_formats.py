from datetime import timedelta

import pytest

from swrhook.web.dashboard.formats import (
    TimedCache,
    format_error,
    format_seconds,
    shorten_digests,
)
from swrhook.wording.message import say
from tests.factories import FakeClock
from tests.web.harness import NOW


def test_a_span_is_written_with_its_two_largest_units() -> None:
    assert [format_seconds(seconds) for seconds in (0.41, 12, 185, 3600, 7800, 273600)] == [
        "0.4 s",
        "12 s",
        "3 min 5 s",
        "1 h",
        "2 h 10 min",
        "3 d 4 h",
    ]


def test_a_cached_value_is_shared_until_it_expires() -> None:
    clock = FakeClock(NOW)
    computed: list[int] = []

    def compute() -> int:
        computed.append(1)
        return len(computed)

    cache = TimedCache(compute, timedelta(seconds=2), clock)
    first = cache.get(), cache.get()
    clock.advance(2)
    later = cache.get()
    clock.advance(hours=-1)  # a clock that is set back

    assert (first, later, cache.get()) == ((1, 1), 2, 3)


@pytest.mark.parametrize(
    ("code", "message", "text"),
    [
        ("SVCSTG.SWR.4031042", "not permitted", "not permitted (SVCSTG.SWR.4031042)"),
        ("SVCSTG.SWR.4031042", None, "SVCSTG.SWR.4031042"),
        ("HTTP.503", "503 Service Unavailable", "503 Service Unavailable"),
        ("HTTP.503", "try later", "HTTP status 503: try later"),
        ("HTTP.503", None, "HTTP status 503"),
    ],
)
def test_an_error_names_its_code_once(code: str, message: str | None, text: str) -> None:
    assert format_error(code, message) == text


def test_digests_in_a_text_are_shortened_and_a_message_can_still_be_translated() -> None:
    message = say("the target has %(digest)s", digest=f"sha256:{'ab' * 32}")

    assert shorten_digests(str(message)) == "the target has sha256:abababababab"
    shortened = shorten_digests(message)
    assert (shortened, type(shortened)) == ("the target has sha256:abababababab", type(message))
