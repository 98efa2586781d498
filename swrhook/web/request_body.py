"""Read a request's body, inflated if it is gzip, without exceeding a size limit."""

import zlib

from flask import Request
from gunicorn.http.errors import ParseException

from swrhook.errors import TooLarge, Undecodable

_GZIP = 16 + zlib.MAX_WBITS
# Some senders compress in several gzip members. Each member copies the rest of the body, so that
# a body of many tiny ones would cost quadratic time.
_MAX_MEMBERS = 100


def read_body(request: Request, limit: int) -> bytes:
    """Return the body, at most `limit` bytes after inflating. Raises TooLarge, Undecodable."""
    if (request.content_length or 0) > limit:
        raise TooLarge(limit)
    raw = _read_raw(request, limit)
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in ("gzip", "x-gzip"):
        return _inflate(raw, limit)
    if encoding not in ("", "identity"):
        raise Undecodable(f"Content-Encoding {encoding[:40]!r} is not supported: send gzip or none")
    return raw


def _read_raw(request: Request, limit: int) -> bytes:
    try:
        raw: bytes = request.stream.read(limit + 1)
    except OSError:
        raise _cut_off() from None
    except ParseException as exc:  # raised by gunicorn for malformed chunks
        raise Undecodable(f"the body's chunks cannot be read: {type(exc).__name__}") from None
    if len(raw) > limit:
        raise TooLarge(limit)
    if len(raw) < (request.content_length or 0):
        raise _cut_off()
    return raw


def _inflate(raw: bytes, limit: int) -> bytes:
    body = b""
    for _ in range(_MAX_MEMBERS):
        inflater = zlib.decompressobj(_GZIP)
        try:
            body += inflater.decompress(raw, limit + 1 - len(body))
        except zlib.error as exc:
            raise Undecodable(f"the body is not gzip: {exc}") from None
        if len(body) > limit:
            raise TooLarge(limit)
        if not inflater.eof:
            raise Undecodable("the gzip body is cut off")
        raw = inflater.unused_data.lstrip(b"\0")  # gzip allows zero padding at the end
        if not raw:
            return body
    raise Undecodable(f"the gzip body is in more than {_MAX_MEMBERS} pieces")


def _cut_off() -> Undecodable:
    return Undecodable("the body did not arrive whole: it was cut off, or it took too long")
