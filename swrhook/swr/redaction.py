"""Removes secrets from text that other parties wrote.

Services and proxies echo what they received: the gateway's "verify aksk signature
fail,canonicalRequest:..." holds a whole request with its headers, and proxies quote requests in
their error pages.
"""

import html
import re
from base64 import b64encode
from collections.abc import Collection, Iterable, Iterator, Sequence

HIDDEN = "[hidden]"

# A character as URLs, JSON or HTML write it.
_ESCAPE = re.compile(
    r"""%[0-9a-f]{2} | \\u[0-9a-f]{4} | \\["'\\/]
    | &(?:\#[0-9]{1,7} | \#x[0-9a-f]{1,6} | [a-z]{2,8});""",
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)
# Text may be encoded more than once, for example for a URL that is then part of JSON.
_LEVELS = 3
_QUOTE = r"""(?:\\?["']|\\u0022|&quot;|&\#(?:34|39|x22|x27);|%22)?"""
# A header or member that carries a secret, with its value up to a separator.
_NAMED_SECRET = re.compile(
    rf"""((?:x-(?:auth|subject|security|metadata)-token|security_?token|authorization|password
    |secret|signature|access)
    {_QUOTE}\s*(?:[:=]|%3[ad])\s*{_QUOTE})(?:(?:bearer|basic|sdk-hmac-sha256)\s+)?[^\s"',;<>&]+""",
    re.ASCII | re.IGNORECASE | re.VERBOSE,
)
# The base64 of a token, even of a truncated one.
_LONG_WORD = re.compile(r"[A-Za-z0-9+/=_-]{48,}", re.ASCII)
_TO_URL_SAFE = str.maketrans("+/", "-_")
_MIN_BASE64 = 4  # less would stand for too little, and hide anything


def scrub(text: str, secrets: Iterable[str] = ()) -> str:
    """Return the text without the secrets, in any encoding, and without anything like a secret."""
    forms = {form for secret in secrets if secret for form in _forms(secret)}
    hidden, end = "", 0
    for start, stop in sorted(_spans(text, forms)):
        if start >= end:
            hidden += text[end:start] + HIDDEN
        end = max(end, stop)
    text = _NAMED_SECRET.sub(rf"\1{HIDDEN}", hidden + text[end:])
    return _LONG_WORD.sub(_hide_token, text)


def _forms(secret: str) -> Iterator[str]:
    """Yield a secret as it may be in a text whose escapes are decoded."""
    content = secret.encode("utf-8", "surrogatepass")
    yield secret
    octets = content.decode("latin-1")  # percent escapes stand for bytes
    yield octets
    yield octets.replace(" ", "+")  # in the query of a URL
    if not secret.isascii():  # JSON escapes one half of a surrogate pair at a time
        units = secret.encode("utf-16-be", "surrogatepass")
        pairs = zip(units[::2], units[1::2], strict=True)
        yield "".join(chr(high << 8 | low) for high, low in pairs)
    yield content.hex()
    yield content.hex().upper()
    for before in range(3):
        # The characters that depend on nothing but the secret, wherever it is in what was encoded.
        encoded = b64encode(bytes(before) + content + bytes(2)).decode()
        form = encoded[-(-before * 8 // 6) : (before + len(content)) * 8 // 6]
        if len(form) >= _MIN_BASE64:
            yield form
            yield form.translate(_TO_URL_SAFE)


def _spans(text: str, forms: Collection[str]) -> Iterator[tuple[int, int]]:
    """Yield where the forms are in a text, encoded up to _LEVELS times."""
    places: Sequence[int] = range(len(text) + 1)  # of each character, in the original text
    for _ in range(_LEVELS + 1 if forms else 0):
        for form in forms:
            start = text.find(form)
            while start >= 0:
                yield places[start], places[start + len(form)]
                start = text.find(form, start + 1)
        text, places = _decode(text, places)


def _decode(text: str, places: Sequence[int]) -> tuple[str, list[int]]:
    """Return a text with its escapes decoded once, and the place of each of its characters."""
    parts: list[str] = []
    origins: list[int] = []
    end = 0
    for match in _ESCAPE.finditer(text):
        character = _decode_escape(match[0])
        parts += [text[end : match.start()], character]
        origins += [*places[end : match.start()], *[places[match.start()]] * len(character)]
        end = match.end()
    return "".join(parts) + text[end:], [*origins, *places[end:]]


def _decode_escape(escape: str) -> str:
    if escape.startswith("&"):
        return html.unescape(escape)
    digits = escape[1:] if escape[0] == "%" else escape.lower().partition("u")[2]
    return chr(int(digits, 16)) if digits else escape[1]


def _hide_token(match: re.Match[str]) -> str:
    # Repository names and digests may be as long as a token, but have no capital letters.
    return match[0] if match[0] == match[0].lower() else HIDDEN
