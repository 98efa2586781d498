"""Secrets, and the only comparison with them: constant time, on bytes."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hmac import compare_digest


@dataclass(frozen=True, slots=True)
class Secret:
    """A shared secret, UTF-8 where it is text; no longer valid at `not_after`, an aware time."""

    value: bytes = field(repr=False)
    not_after: datetime | None = None


def valid_values(secrets: Sequence[Secret], now: datetime) -> list[bytes]:
    """Return the secrets that count at this time; an empty one never does."""
    return [
        secret.value
        for secret in secrets
        if secret.value and (secret.not_after is None or now < secret.not_after)
    ]


def wire_encodings(text: str) -> tuple[bytes, ...]:
    """Return the bytes that a text from a request may stand for, for any text.

    A WSGI server decodes headers as Latin-1, whatever the sender meant. Most send UTF-8, so the
    bytes as they came are tried first, then the characters in UTF-8.
    """
    as_utf8 = text.encode("utf-8", "surrogatepass")
    try:
        return text.encode("latin-1"), as_utf8
    except UnicodeEncodeError:
        return (as_utf8,)


def matches_any(offered: Iterable[bytes], expected: Iterable[bytes]) -> bool:
    """Tell whether any offered value is an expected one, in a time that does not tell which."""
    wanted = list(expected)
    found = False
    for value in offered:
        for right in wanted:
            found |= compare_digest(value, right)
    return found
