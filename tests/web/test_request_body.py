"""The limit and the encodings of bodies; tests/service/test_hardening.py uses real sockets."""

import gzip
import zlib
from contextlib import suppress
from functools import partial
from io import BytesIO

import pytest
from flask import Request
from gunicorn.http.errors import InvalidChunkSize, NoMoreData
from hypothesis import given
from hypothesis import strategies as st
from werkzeug.test import EnvironBuilder

from swrhook.errors import TooLarge, Undecodable
from swrhook.web.request_body import read_body

# Without a time of compression, so that a test's name, which holds the bytes, is always the same.
compressed = partial(gzip.compress, mtime=0)
LIMIT = 1000
BODY = b'{"image": "team/app:v1"}'


def sent(body: bytes, encoding: str | None = None, length: int | None = None) -> Request:
    builder = EnvironBuilder(method="POST", input_stream=BytesIO(body))
    if encoding is not None:
        builder.headers["Content-Encoding"] = encoding
    environ = builder.get_environ()
    environ["CONTENT_LENGTH"] = str(len(body) if length is None else length)
    environ["wsgi.input_terminated"] = True  # as gunicorn sets it
    return Request(environ)


def chunked(body: bytes) -> Request:
    request = sent(body)
    environ = {**request.environ, "HTTP_TRANSFER_ENCODING": "chunked", "CONTENT_LENGTH": ""}
    return Request(environ)


class BrokenStream(BytesIO):
    """A stream that fails as gunicorn's does."""

    def __init__(self, failure: Exception) -> None:
        super().__init__()
        self.failure = failure

    def read(self, _size: int | None = None, /) -> bytes:
        raise self.failure


@pytest.mark.parametrize("encoding", [None, "", "identity", "Identity", " Identity "])
def test_a_plain_body_is_returned_unchanged(encoding: str | None) -> None:
    assert read_body(sent(BODY, encoding), LIMIT) == BODY


@pytest.mark.parametrize("encoding", ["gzip", "x-gzip", "GZIP", " gzip ", "X-GZip"])
@pytest.mark.parametrize(
    "body",
    [
        compressed(BODY),
        compressed(BODY[:9]) + compressed(BODY[9:]),
        compressed(BODY) + bytes(7),
        compressed(b"") + compressed(BODY),
    ],
)
def test_gzip_is_inflated_with_all_its_members(body: bytes, encoding: str) -> None:
    assert read_body(sent(body, encoding), LIMIT) == BODY


def test_a_body_may_be_as_large_as_the_limit() -> None:
    whole = b"x" * LIMIT

    assert read_body(sent(whole), LIMIT) == whole
    assert read_body(sent(compressed(whole), "gzip"), LIMIT) == whole


@pytest.mark.parametrize(
    ("body", "encoding"),
    [
        (bytes(LIMIT + 1), None),
        (compressed(bytes(LIMIT + 1)), "gzip"),
        (compressed(bytes(50_000_000), 9), "gzip"),
        (compressed(bytes(LIMIT)) + compressed(b"1"), "gzip"),
        (compressed(bytes(400)) * 3, "gzip"),
    ],
)
def test_a_body_over_the_limit_is_refused(body: bytes, encoding: str | None) -> None:
    with pytest.raises(TooLarge, match=r"over settings\.body_limit \(1000 bytes\)"):
        read_body(sent(body, encoding), LIMIT)


@pytest.mark.parametrize("length", [LIMIT + 1, 10**12])
def test_a_content_length_over_the_limit_is_refused_without_reading(length: int) -> None:
    with pytest.raises(TooLarge, match=r"over settings\.body_limit \(1000 bytes\)"):
        read_body(sent(b"", length=length), LIMIT)


def test_a_body_of_unknown_length_is_read_to_its_end_or_the_limit() -> None:
    assert read_body(chunked(b"x" * LIMIT), LIMIT) == b"x" * LIMIT
    with pytest.raises(TooLarge):
        read_body(chunked(b"x" * (LIMIT + 1)), LIMIT)


@pytest.mark.parametrize(
    ("body", "message"),
    [
        (b"", "the gzip body is cut off"),
        (compressed(BODY)[:-1], "the gzip body is cut off"),
        (compressed(b"x" * 500)[:-4], "the gzip body is cut off"),
        (BODY, "the body is not gzip"),
        (zlib.compress(BODY), "the body is not gzip"),
        (compressed(BODY) + b"more", "the body is not gzip"),
        (compressed(b"") * 101, "in more than 100 pieces"),
    ],
)
def test_invalid_gzip_is_undecodable(body: bytes, message: str) -> None:
    with pytest.raises(Undecodable, match=message):
        read_body(sent(body, "gzip"), 10 * LIMIT)


@pytest.mark.parametrize("encoding", ["br", "deflate", "gzip, gzip", "x" * 500])
def test_other_encodings_are_named_and_refused(encoding: str) -> None:
    with pytest.raises(Undecodable, match="is not supported: send gzip or none") as refused:
        read_body(sent(BODY, encoding), LIMIT)

    assert str(refused.value).startswith(f"Content-Encoding '{encoding[:40]}'")
    assert len(str(refused.value)) < 150


def test_a_body_shorter_than_its_content_length_is_undecodable() -> None:
    with pytest.raises(Undecodable, match="did not arrive whole"):
        read_body(sent(BODY, length=len(BODY) + 1), LIMIT)


@pytest.mark.parametrize(
    ("failure", "message"),
    [
        (NoMoreData(), "did not arrive whole"),
        (ConnectionResetError(), "did not arrive whole"),
        (InvalidChunkSize(b"x"), "chunks cannot be read: InvalidChunkSize"),
    ],
)
def test_a_stream_that_breaks_is_undecodable(failure: Exception, message: str) -> None:
    request = sent(b"")
    request.environ["wsgi.input"] = BrokenStream(failure)

    with pytest.raises(Undecodable, match=message):
        read_body(request, LIMIT)


@given(st.binary(max_size=2 * LIMIT), st.sampled_from([None, "gzip"]))
def test_any_bytes_are_a_body_or_refused(body: bytes, encoding: str | None) -> None:
    with suppress(TooLarge, Undecodable):
        assert len(read_body(sent(body, encoding), LIMIT)) <= LIMIT
