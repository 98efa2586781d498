"""Who is signed in at the dashboard: a signed cookie that ends with the token behind it.

The key is made from that token, which every process has in its configuration: a session is good at
each of them, and is gone when the token is taken back or replaced. The token itself is not in it.
Who signs out is noted in the ledger: a copy of the cookie is good for nothing then.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe
from typing import Any

from itsdangerous import BadData, URLSafeSerializer

from swrhook.config.model import AccessToken

COOKIE = "swrhook_session"
# A night's duty; then the token is asked for again.
LIFETIME = timedelta(hours=12)
_PURPOSE = b"swrhook dashboard session"


@dataclass(frozen=True, slots=True)
class Session:
    """A token's holder, signed in; `form_key` stands in every form of the session."""

    holder: AccessToken
    form_key: str = field(repr=False)
    until: datetime

    @property
    def mark(self) -> str:
        """Return what stands for the session in the ledger once it was signed out."""
        return sha256(self.form_key.encode()).hexdigest()


def begin(holder: AccessToken, now: datetime) -> str:
    """Return the cookie of a new session."""
    until = int((now + LIFETIME).timestamp())
    return str(_signed(holder).dumps([holder.name, until, token_urlsafe(16)]))


def resume(cookie: str, tokens: Sequence[AccessToken], now: datetime) -> Session | None:
    """Return the session of a cookie; None where it has ended, or never began."""
    for holder in tokens:
        try:
            name, until, form_key = _signed(holder).loads(cookie)
        except BadData:
            continue
        if name == holder.name and now.timestamp() < until:
            return Session(holder, form_key, datetime.fromtimestamp(until, UTC))
    return None


def _signed(holder: AccessToken) -> Any:  # noqa: ANN401  # generic over the serializer's text
    key = hmac.digest(holder.token, _PURPOSE, "sha256")
    return URLSafeSerializer(key, salt=_PURPOSE, signer_kwargs={"digest_method": sha256})
