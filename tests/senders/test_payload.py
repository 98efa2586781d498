"""Payloads: JSON, image references and reasons."""

import json
from datetime import UTC, datetime
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from swrhook.errors import Ignored, Undecodable
from swrhook.model import Announcement, Reading
from swrhook.senders import payload

DIGEST = "sha256:" + "ab" * 32


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "not JSON: Expecting value at line 1, column 1"),
        (b'{"a": \xe9}', r"not UTF-8 \(byte 6\)"),
        (b"[NaN]", "NaN is not a JSON value"),
        (b"1" * 5000, "not JSON: Exceeds the limit"),
        (b"[" * 100_000, "nested too deeply"),
        (b"[" * 101 + b"]" * 101, "nested too deeply: over 100 levels"),
        (b'{"a":' * 101 + b"1" + b"}" * 101, "nested too deeply"),
        (b'["", ' + b"[" * 100 + b"]" * 101, "nested too deeply"),
        (b"[" + b"1," * 200_000 + b"1]", "more than 200,000 values"),
        (b"[" + b"{}," * 100_000 + b"1]", "more than 200,000 values"),
        (b'"' + b"\\" * 300_001, "not JSON: Unterminated string"),
        (b'"\\"' * 300_000, "not JSON: Extra data"),
    ],
)
def test_a_body_that_is_not_json_is_refused_with_the_reason(body: bytes, reason: str) -> None:
    with pytest.raises(Undecodable, match=reason):
        payload.decode(body)


@pytest.mark.parametrize(
    "body",
    [
        b"[" * 100 + b"]" * 100,
        b"[" + b"[]," * 150 + b"1]",
        b"[" + b"1," * 150_000 + b"1]",
        b'"' + b"[" * 200 + b'"',
        b'["' + b"[{," * 100_000 + b'\\"[", "\\\\", "[["]',
    ],
)
def test_json_within_the_limits_is_decoded(body: bytes) -> None:
    assert json.loads(body) == payload.decode(body)


@pytest.mark.parametrize("value", ["", "a\0", "\ud800", "x" * 1025, 1, None, [], {}])
def test_a_text_that_cannot_be_stored_counts_as_not_sent(value: Any) -> None:
    assert payload.text({"a": value}, "a") is None


def test_a_digest_is_not_a_tag() -> None:
    assert payload.tag({"tag": DIGEST}, "tag") is None
    assert payload.tag({"tag": "v1"}, "tag") == "v1"


def test_a_malformed_digest_counts_as_not_sent() -> None:
    assert payload.digest({"digest": DIGEST[:-1]}, "digest") is None
    assert payload.digest({"digest": DIGEST}, "digest") == DIGEST


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        ("2026-07-03T18:22:41.031994027+02:00", datetime(2026, 7, 3, 16, 22, 41, 31994, UTC)),
        ("2026-07-03T18:22:41", datetime(2026, 7, 3, 18, 22, 41, tzinfo=UTC)),
        (1751560961, datetime(2025, 7, 3, 16, 42, 41, tzinfo=UTC)),
        ("yesterday", None),
        ("0001-01-01T00:00:00+23:59", None),
        (1e300, None),
        (float("inf"), None),
        (True, None),
        (None, None),
    ],
)
def test_times_are_converted_to_utc(value: Any, expected: datetime | None) -> None:
    assert payload.timestamp({"at": value}, "at") == expected


@pytest.mark.parametrize(
    ("image", "parts"),
    [
        ("heron:1", ("", "heron", "1", "")),
        ("wetland/heron", ("", "wetland/heron", "", "")),
        ("localhost/heron:1", ("localhost", "heron", "1", "")),
        ("host:5000/a/b:1", ("host:5000", "a/b", "1", "")),
        (f"docker://swr.example/a/b:1@{DIGEST}", ("swr.example", "a/b", "1", DIGEST)),
        (f"swr.example/a/b:{DIGEST}", ("swr.example", "a/b", DIGEST, "")),
        ("localhost:5000", ("", "localhost", "5000", "")),
        ("", ("", "", "", "")),
    ],
)
def test_a_reference_is_split(image: str, parts: tuple[str, str, str, str]) -> None:
    assert payload.Reference(*parts) == payload.parse_reference(image)


@given(st.text(st.characters(exclude_categories=())))
def test_a_quoted_value_is_short_printable_and_storable(value: str) -> None:
    shown = payload.quote(value)
    assert shown.isprintable()
    assert shown.encode()
    assert len(shown) <= payload.MAX_QUOTE_LENGTH + 3


@pytest.mark.parametrize(
    ("value", "shown"),
    [
        ("a\0b\n", '"a�b�"'),
        ("x" * 500, f'"{"x" * 120}…"'),
        (None, '"null"'),
        (True, '"true"'),
        (1.5, '"1.5"'),
        ([1], "an array"),
        ({}, "an object"),
    ],
)
def test_scalars_are_quoted_and_containers_are_named(value: Any, shown: str) -> None:
    assert payload.quote(value) == shown


def test_reasons_are_counted_and_limited() -> None:
    reasons = ["a", "b", "a", "c", "d", "e", "f", "g"]
    assert payload.cap_reasons(reasons) == ("a (2 times)", "b", "c", "d", "e", "and 2 more")
    assert payload.cap_reasons(["a"]) == ("a",)


def test_a_reading_has_each_announcement_once_and_every_reason() -> None:
    one, two = Announcement("a/b", "1", event_id="id-1"), Announcement("a/b", "2")
    expected = Reading((one, two), ("odd",), "id-1")
    assert expected == payload.to_reading([one, "odd", two, one])


def test_a_reading_without_an_announcement_is_ignored_with_the_reasons() -> None:
    with pytest.raises(Ignored, match=r"^odd; even$"):
        payload.to_reading(["odd", "even"])
    with pytest.raises(Ignored, match=r"^no image is announced$"):
        payload.to_reading([])
