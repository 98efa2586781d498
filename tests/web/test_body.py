"""The body's cap and encodings; what needs a real socket is in tests/service/test_hardening.py."""

import gzip
import zlib
from functools import partial
from io import BytesIO

import pytest
from flask import Request
from gunicorn.http.errors import InvalidChunkSize, NoMoreData
from werkzeug.test import EnvironBuilder

from swrhook.errors import TooLarge, Undecodable
from swrhook.web.request_body import read_body

# Compressed at no particular time: a test's name holds the bytes, and is the same in every process.
compressed = partial(gzip.compress, mtime=0)
LIMIT = 1000
BODY = b'{"image": "team/app:v1"}'


def sent(body: bytes, encoding: str | None = None, length: int | None = None) -> Request:
    builder = EnvironBuilder(method="POST", input_stream=BytesIO(body))
    if encoding is not None:
        builder.headers["Content-Encoding"] = encoding
    environ = builder.get_environ()
    environ["CONTENT_LENGTH"] = str(len(body) if length is None else length)
    environ["wsgi.input_terminated"] = True  # as gunicorn says
    return Request(environ)


class Breaking(BytesIO):
    """A stream that fails as gunicorn's does."""

    def __init__(self, failure: Exception) -> None:
        super().__init__()
        self.failure = failure

    def read(self, _size: int | None = None, /) -> bytes:
        raise self.failure


@pytest.mark.parametrize("encoding", [None, "", "identity", " Identity "])
def test_a_body_is_taken_as_it_is(encoding: str | None) -> None:
    assert read_body(sent(BODY, encoding), LIMIT) == BODY


@pytest.mark.parametrize(
    "body",
    [
        compressed(BODY),
        compressed(BODY[:9]) + compressed(BODY[9:]),
        compressed(BODY) + bytes(7),
        compressed(b"") + compressed(BODY),
    ],
)
def test_gzip_is_inflated_with_all_its_members(body: bytes) -> None:
    assert read_body(sent(body, "gzip"), LIMIT) == BODY
    assert read_body(sent(body, "X-GZip"), LIMIT) == BODY


def test_the_cap_itself_is_allowed() -> None:
    assert len(read_body(sent(bytes(LIMIT)), LIMIT)) == LIMIT
    assert len(read_body(sent(compressed(bytes(LIMIT)), "gzip"), LIMIT)) == LIMIT


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
def test_one_byte_over_the_cap_is_too_large(body: bytes, encoding: str | None) -> None:
    with pytest.raises(TooLarge, match=r"over settings\.body_limit"):
        read_body(sent(body, encoding), LIMIT)


def test_a_length_over_the_cap_is_refused_without_reading() -> None:
    with pytest.raises(TooLarge):
        read_body(sent(b"", length=LIMIT + 1), LIMIT)


@pytest.mark.parametrize(
    ("body", "encoding", "said"),
    [
        (BODY, "br", "'br' is not supported"),
        (BODY, "gzip", "is not gzip"),
        (zlib.compress(BODY), "gzip", "is not gzip"),
        (b"", "gzip", "is cut off"),
        (compressed(BODY)[:-1], "gzip", "is cut off"),
        (compressed(BODY) + b"more", "gzip", "is not gzip"),
        (compressed(b"") * 101, "gzip", "in more than 100 pieces"),
    ],
)
def test_what_cannot_be_inflated_is_undecodable(body: bytes, encoding: str, said: str) -> None:
    with pytest.raises(Undecodable, match=said):
        read_body(sent(body, encoding), 10 * LIMIT)


def test_less_than_was_announced_is_undecodable() -> None:
    with pytest.raises(Undecodable, match="did not arrive whole"):
        read_body(sent(BODY, length=len(BODY) + 1), LIMIT)


@pytest.mark.parametrize(
    ("failure", "said"),
    [
        (NoMoreData(), "did not arrive whole"),
        (ConnectionResetError(), "did not arrive whole"),
        (InvalidChunkSize(b"x"), "chunks cannot be read: InvalidChunkSize"),
    ],
)
def test_a_stream_that_breaks_is_undecodable(failure: Exception, said: str) -> None:
    request = sent(b"")
    request.environ["wsgi.input"] = Breaking(failure)

    with pytest.raises(Undecodable, match=said):
        read_body(request, LIMIT)
