"""For any headers and bytes, a dialect returns a reading or raises an error with a reason."""

import json
from typing import Any

import pytest
from hypothesis import given, settings

from swrhook.dialects import DIALECTS
from swrhook.errors import Ignored, NothingUsable, Refused, SwrhookError, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders.delivery import Delivery
from swrhook.wording.message import Message
from tests.dialects.damage import (
    PUSHES,
    any_deliveries,
    damaged_bytes,
    damaged_deliveries,
    damaged_once,
    deep,
)
from tests.dialects.recordings import Recording

LONGEST_REASON = 8000

every_push = pytest.mark.parametrize(
    "recording", [pytest.param(r, id=f"{r.dialect}-{r.case}") for r in PUSHES]
)
every_dialect = pytest.mark.parametrize("dialect", DIALECTS)


def is_storable(text: str | None) -> bool:
    return text is None or "\0" not in text.encode().decode()


def answer(dialect: str, delivery: Delivery) -> Reading | SwrhookError:
    """Return the dialect's reading or its error; any other exception fails the test."""
    try:
        return DIALECTS[dialect](delivery)
    except (Ignored, UnknownShape, Refused) as exc:
        return exc


def holds(answered: Reading | SwrhookError, dialect: str) -> None:
    """Check the promises of every reading and error."""
    if isinstance(answered, SwrhookError):
        assert all(isinstance(reason, Message) for reason in answered.reasons)
        assert 0 < len(str(answered)) < LONGEST_REASON
        assert is_storable(str(answered))
        assert not isinstance(answered, UnknownShape if dialect == "generic" else NothingUsable)
        return
    assert answered.announcements
    assert len(set(answered.announcements)) == len(answered.announcements)
    assert is_storable(answered.external_id)
    assert all(map(is_storable, answered.skipped))
    assert all(isinstance(reason, Message) for reason in answered.skipped)
    for read in answered.announcements:
        assert isinstance(read, Announcement)
        assert read.name
        assert read.tag
        assert ":" not in read.tag
        assert all(map(is_storable, (read.name, read.tag, read.digest, read.event_id)))
        assert read.pushed_at is None or read.pushed_at.tzinfo is not None


@every_push
def test_a_recording_damaged_in_one_place_is_read_or_refused(recording: Recording) -> None:
    for delivery in damaged_once(recording):
        holds(answer(recording.dialect, delivery), recording.dialect)


@settings(max_examples=200)
@given(delivery=any_deliveries)
def test_any_headers_and_bytes_are_read_or_refused(delivery: Delivery) -> None:
    for dialect in DIALECTS:
        holds(answer(dialect, delivery), dialect)


@settings(max_examples=200)
@given(delivery=damaged_deliveries() | damaged_bytes())
def test_any_damaged_recording_is_read_or_refused(delivery: Delivery) -> None:
    for dialect in DIALECTS:
        holds(answer(dialect, delivery), dialect)


@every_dialect
@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"\xff\xfe",
        b"null",
        b"0",
        b'""',
        b'"\\ud800"',
        b"[[[[]]]]",
        b"NaN",
        b"[1e999]",
        b"9" * 5000,
        b"[" * 100_000,
        b'{"images":' * 100_000,
        b"[" * 900 + b"]" * 900,
        json.dumps(deep("a/b:1", 900)).encode(),
        b'{"image": "a/b:1", "image": 1, "events": 1, "events": {}}',
    ],
)
def test_notorious_bodies_are_read_or_refused(dialect: str, body: bytes) -> None:
    holds(answer(dialect, Delivery({}, body)), dialect)


MIB = 1024 * 1024
HUGE: dict[str, Any] = {
    "distribution": {"events": [0] * (MIB // 3)},
    "harbor": {"type": "PUSH_ARTIFACT", "event_data": {"resources": [[]] * (MIB // 4)}},
    "generic": {"images": ["a"] * (MIB // 12), "tags": "b," * (MIB // 6)},
}


@pytest.mark.parametrize("dialect", HUGE)
def test_a_body_of_the_largest_size_gets_a_short_reason(dialect: str) -> None:
    holds(answer(dialect, Delivery({}, json.dumps(HUGE[dialect]).encode())), dialect)
