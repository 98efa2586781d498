"""Sessions of the dashboard: a signed cookie that becomes invalid together with its token.

The signing key is derived from the token, which every process has in its configuration. A session
is therefore valid at every process, and ends when the token is removed or replaced. The cookie does
not contain the token. Signing out is recorded in the ledger, which makes copies of the cookie
invalid too.
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
# Long enough for a night shift.
LIFETIME = timedelta(hours=12)
_PURPOSE = b"swrhook dashboard session"


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in token holder. Every form of the session contains `form_key`."""

    holder: AccessToken
    form_key: str = field(repr=False)
    until: datetime

    @property
    def fingerprint(self) -> str:
        """Return the value that stands for the session in the ledger after signing out."""
        return sha256(self.form_key.encode()).hexdigest()


def begin(holder: AccessToken, now: datetime) -> str:
    """Return the cookie of a new session."""
    until = int((now + LIFETIME).timestamp())
    return str(_signed(holder).dumps([holder.name, until, token_urlsafe(16)]))


def resume(cookie: str, tokens: Sequence[AccessToken], now: datetime) -> Session | None:
    """Return the session of a cookie, or None if it is invalid or has expired."""
    # The key depends on the token, so the signature shows which one it was: try them all.
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
