"""Secrets, and the only comparison with them: on bytes, in constant time."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from hmac import compare_digest
from itertools import product

from swrhook.errors import Unauthenticated


@dataclass(frozen=True, slots=True)
class Secret:
    """A shared secret, as UTF-8 if it is text; invalid from `not_after` on, an aware time."""

    value: bytes = field(repr=False)
    not_after: datetime | None = None


def valid_values(secrets: Sequence[Secret], now: datetime) -> list[bytes]:
    """Return the secrets that are valid at this time; an empty secret never is."""
    return [
        secret.value
        for secret in secrets
        if secret.value and (secret.not_after is None or now < secret.not_after)
    ]


def wire_encodings(text: str) -> tuple[bytes, ...]:
    """Return the bytes that a text from a request may stand for; total for any text.

    A WSGI server decodes headers as Latin-1, whatever the sender's encoding. Most senders use
    UTF-8. So the first value is the bytes as they came, the second the characters in UTF-8.
    """
    as_utf8 = text.encode("utf-8", "surrogatepass")
    try:
        return text.encode("latin-1"), as_utf8
    except UnicodeEncodeError:
        return (as_utf8,)


def matches_any(offered: Iterable[bytes], expected: Iterable[bytes]) -> bool:
    """Tell whether any offered value equals an expected one, in constant time."""
    # All are compared first: the time must not reveal which of the values matched.
    results = [compare_digest(*pair) for pair in product(offered, expected)]
    return any(results)


def require_match(texts: Iterable[str], expected: Iterable[bytes], name: str) -> None:
    """Compare texts from a request with the expected values; `name` says what the texts are.

    Raises Unauthenticated if none matches.
    """
    offered = (value for text in texts for value in wire_encodings(text))
    if not matches_any(offered, expected):
        raise Unauthenticated(f"{name} is missing or not accepted")
