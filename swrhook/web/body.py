"""A request's body within the cap: nothing is parsed, or inflated, before its size is known."""

import zlib

from flask import Request

from swrhook.errors import TooLarge, Undecodable

_GZIP = 16 + zlib.MAX_WBITS


def read_body(request: Request, limit: int) -> bytes:
    """Return the body, inflated when it is gzip. Raises TooLarge, Undecodable."""
    if (request.content_length or 0) > limit:
        raise _too_large(limit)
    raw = request.stream.read(limit + 1)
    encoding = request.headers.get("Content-Encoding", "identity").strip().lower()
    if encoding in ("gzip", "x-gzip"):
        raw = _inflate(raw, limit)
    elif encoding not in ("", "identity"):
        message = f"Content-Encoding {encoding[:40]!r} is not supported: send gzip or none"
        raise Undecodable(message)
    if len(raw) > limit:
        raise _too_large(limit)
    return raw


def _inflate(raw: bytes, limit: int) -> bytes:
    inflater = zlib.decompressobj(_GZIP)
    try:
        body = inflater.decompress(raw, limit + 1)
    except zlib.error as exc:
        message = f"the body is not gzip: {exc}"
        raise Undecodable(message) from None
    if len(body) <= limit and not inflater.eof:
        message = "the gzip body is cut off"
        raise Undecodable(message)
    return body


def _too_large(limit: int) -> TooLarge:
    return TooLarge(f"the body is over settings.body_limit ({limit} bytes)")
