"""Sessions of the dashboard, which end with the token that began them.

The cookie is random, and the ledger has its hash. A session is therefore valid at every process and
after a restart, until it is signed out or expires. The mark ties it to the name and the value of
its token: without the cookie, neither can be found from it.
"""

import hmac
from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256
from secrets import token_urlsafe

from swrhook.config.model import AccessToken
from swrhook.ledger import sessions
from swrhook.ledger.database import Database
from swrhook.ledger.sessions import StoredSession

COOKIE = "swrhook_session"
# Long enough for a night shift.
LIFETIME = timedelta(hours=12)


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in token holder. Every form of the session contains `form_key`."""

    id: str
    holder: AccessToken
    form_key: str = field(repr=False)


def begin(database: Database, holder: AccessToken, now: datetime) -> str:
    """Return the cookie of a new session. Raises CannotRecord."""
    cookie = token_urlsafe(32)
    stored = StoredSession(_id(cookie), _mark(cookie, holder), now + LIFETIME)
    sessions.begin(database, stored, now)
    return cookie


def resume(
    database: Database, cookie: str, tokens: Sequence[AccessToken], now: datetime
) -> Session | None:
    """Return the session of a cookie, or None if it is invalid, has expired or was signed out.

    `tokens` are the valid ones.
    """
    stored = sessions.find(database, _id(cookie), now) if cookie else None
    if stored is None:
        return None
    for holder in tokens:
        if hmac.compare_digest(_mark(cookie, holder), stored.mark):
            return Session(stored.session, holder, _derive(cookie, b"form key"))
    return None


def _id(cookie: str) -> str:
    return sha256(_bytes(cookie)).hexdigest()


def _mark(cookie: str, holder: AccessToken) -> str:
    return _derive(cookie, b"token\n" + holder.name.encode() + b"\n" + holder.digest)


def _derive(cookie: str, purpose: bytes) -> str:
    return hmac.new(_bytes(cookie), purpose, sha256).hexdigest()


def _bytes(cookie: str) -> bytes:
    return cookie.encode("utf-8", "surrogatepass")
