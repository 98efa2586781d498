"""A request's body within the cap, whatever it claims about itself."""

import gzip
import io
import zlib
from contextlib import suppress
from functools import partial
from typing import Any

import pytest
from flask import Request
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from swrhook.errors import TooLarge, Undecodable
from swrhook.web.request_body import read_body

# Compressed at no particular time: a test's name holds the bytes, and is the same in every process.
compressed = partial(gzip.compress, mtime=0)
LIMIT = 1000


def request(body: bytes, encoding: str | None = None, **environ: Any) -> Request:
    headers = [] if encoding is None else [("Content-Encoding", encoding)]
    builder = EnvironBuilder(method="POST", data=body, headers=headers)
    return Request({**builder.get_environ(), **environ})


@pytest.mark.parametrize("encoding", [None, "", "identity", "Identity"])
def test_a_plain_body_is_returned_as_it_came(encoding: str | None) -> None:
    assert read_body(request(b"{}", encoding), LIMIT) == b"{}"


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP", " gzip "])
def test_a_gzip_body_is_inflated(encoding: str) -> None:
    assert read_body(request(compressed(b"{}"), encoding), LIMIT) == b"{}"


def test_a_body_may_be_as_large_as_the_limit() -> None:
    whole = b"x" * LIMIT

    assert whole == read_body(request(whole), LIMIT)
    assert whole == read_body(request(compressed(whole), "gzip"), LIMIT)


@pytest.mark.parametrize(
    "sent",
    [
        request(b"x" * (LIMIT + 1)),
        request(compressed(b"x" * (LIMIT + 1)), "gzip"),
        request(compressed(b"x" * 10_000_000), "gzip"),
        request(b"", CONTENT_LENGTH=str(10**12)),
    ],
)
def test_a_larger_one_is_refused(sent: Request) -> None:
    with pytest.raises(TooLarge, match=r"over settings.body_limit \(1000 bytes\)"):
        read_body(sent, LIMIT)


def test_a_body_of_unknown_length_is_read_to_its_end_or_the_limit() -> None:
    def chunked(body: bytes) -> Request:
        stream = io.BytesIO(body)
        whole = request(b"", HTTP_TRANSFER_ENCODING="chunked", CONTENT_LENGTH="")
        return Request({**whole.environ, "wsgi.input": stream, "wsgi.input_terminated": True})

    assert read_body(chunked(b"x" * LIMIT), LIMIT) == b"x" * LIMIT
    with pytest.raises(TooLarge):
        read_body(chunked(b"x" * (LIMIT + 1)), LIMIT)


@pytest.mark.parametrize(
    ("body", "reason"),
    [
        (b"", "the gzip body is cut off"),
        (compressed(b"x" * 500)[:-4], "the gzip body is cut off"),
        (b"{}", "the body is not gzip"),
        (zlib.compress(b"{}"), "the body is not gzip"),
    ],
)
def test_what_is_not_gzip_is_undecodable(body: bytes, reason: str) -> None:
    with pytest.raises(Undecodable, match=reason):
        read_body(request(body, "gzip"), LIMIT)


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "x" * 500])
def test_other_encodings_are_named_and_refused(encoding: str) -> None:
    with pytest.raises(Undecodable, match="is not supported: send gzip or none") as refused:
        read_body(request(b"{}", encoding), LIMIT)

    assert len(str(refused.value)) < 150


@given(st.binary(max_size=2 * LIMIT), st.sampled_from([None, "gzip"]))
def test_any_bytes_are_a_body_or_refused(body: bytes, encoding: str | None) -> None:
    with suppress(TooLarge, Undecodable):
        assert len(read_body(request(body, encoding), LIMIT)) <= LIMIT
