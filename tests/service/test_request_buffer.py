"""The end of a request is found however its bytes arrive."""

from collections.abc import Iterator

import pytest

from swrhook.service.request_buffer import MAX_HEADER, RequestBuffer, TooLong

POST = b"POST /hooks/ci HTTP/1.1\r\nHost: x\r\n"
CHUNKED = POST + b"Transfer-Encoding: chunked\r\n\r\n"
LIMIT = 1000


def fed(data: bytes, step: int = 0) -> RequestBuffer:
    buffer = RequestBuffer(LIMIT)
    for piece in pieces(data, step or len(data)):
        assert not buffer.is_complete
        buffer.feed(piece)
    return buffer


def pieces(data: bytes, step: int) -> Iterator[bytes]:
    for start in range(0, len(data), step):
        yield data[start : start + step]


@pytest.mark.parametrize("step", [0, 1, 3])
@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\r\nGET / HTTP/1.1\r\nHost: x\r\n\r\n",
        POST + b"Content-Length: 0\r\n\r\n",
        POST + b"content-length:5\r\n\r\n{   }",
        CHUNKED + b"0\r\n\r\n",
        CHUNKED + b"2\r\n{}\r\n0\r\n\r\n",
        CHUNKED + b"2;a=b\r\n{}\r\nA\r\n0123456789\r\n0\r\nName: value\r\n\r\n",
        CHUNKED + b"5\r\n0\r\n\r\n\r\n0\r\n\r\n",  # an end within a chunk is none
    ],
)
def test_a_request_is_complete_with_its_last_byte(request_: bytes, step: int) -> None:
    buffer = fed(request_, step)

    assert (buffer.is_complete, buffer.is_whole) == (True, True)
    assert not fed(request_[:-1]).is_complete


def test_the_bytes_are_kept_and_a_following_request_too() -> None:
    two = POST + b"Content-Length: 2\r\n\r\n{}" + b"GET / HTTP/1.1\r\n"

    assert fed(two).data == two
    assert fed(two).is_whole


@pytest.mark.parametrize(
    "request_",
    [
        POST + b"Content-Length: 1001\r\n\r\n",  # the application refuses it by its length
        CHUNKED + b"400\r\n" + b"x" * (LIMIT + 1),
        CHUNKED + b"x\r\n",  # gunicorn refuses it
        CHUNKED + b"-5\r\n",
        CHUNKED + b"x" * 5000,
    ],
)
def test_what_will_be_refused_is_not_waited_for(request_: bytes) -> None:
    buffer = fed(request_)

    assert (buffer.is_complete, buffer.is_whole) == (True, False)


@pytest.mark.parametrize(
    "request_",
    [
        b"GET / HTTP/1.1\r\nName: " + b"x" * MAX_HEADER,
        CHUNKED + b"1\r\nx\r\n" * 12_000,
        CHUNKED + b"0\r\n" + b"Name: value\r\n" * 400,
    ],
)
def test_what_is_too_long_is_refused(request_: bytes) -> None:
    with pytest.raises(TooLong):
        RequestBuffer(LIMIT).feed(request_)


@pytest.mark.parametrize(
    ("line", "is_health"),
    [
        (b"GET /healthz HTTP/1.1", True),
        (b"HEAD /readyz?verbose HTTP/1.1", True),
        (b"POST /healthz HTTP/1.1", False),
        (b"GET /healthz/x HTTP/1.1", False),
        (b"GET /metrics HTTP/1.1", False),
    ],
)
def test_requests_for_health_are_recognized(line: bytes, *, is_health: bool) -> None:
    assert fed(line + b"\r\n\r\n").is_health is is_health


def test_a_client_that_waits_for_permission_is_recognized() -> None:
    buffer = fed(POST + b"Expect: 100-continue\r\nContent-Length: 5\r\n\r\n")

    assert (buffer.has_header, buffer.expects_continue, buffer.is_complete) == (True, True, False)
