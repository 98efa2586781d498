"""Sessions of the dashboard, which end with the token or the groups that they came from.

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
from swrhook.config.sso import Sso
from swrhook.ledger import sessions
from swrhook.ledger.database import Database
from swrhook.ledger.sessions import StoredSession
from swrhook.sso import Attempt, Identity, access_of

COOKIE = "swrhook_session"
# Long enough for a night shift.
LIFETIME = timedelta(hours=12)
CLOCK_DIFFERENCE = timedelta(minutes=1)  # between machines that share a ledger


@dataclass(frozen=True, slots=True)
class Session:
    """A signed-in token holder or user. Every form of the session contains `form_key`."""

    id: str
    holder: AccessToken
    is_single_sign_on: bool
    form_key: str = field(repr=False)


def begin(database: Database, holder: AccessToken, now: datetime) -> str:
    """Return the cookie of a new session. Raises CannotRecord."""
    cookie = token_urlsafe(32)
    stored = StoredSession(_id(cookie), _mark(cookie, holder), now + LIFETIME)
    sessions.begin(database, stored, now)
    return cookie


def begin_for_user(database: Database, identity: Identity, sso: Sso, now: datetime) -> str:
    """Return the cookie of a new session of a user. Raises CannotRecord."""
    cookie = token_urlsafe(32)
    stored = StoredSession(
        _id(cookie), _mark_user(cookie, sso), now + sso.session, identity.to_json()
    )
    sessions.begin(database, stored, now)
    return cookie


def resume(
    database: Database,
    cookie: str,
    tokens: Sequence[AccessToken],
    now: datetime,
    sso: Sso | None = None,
) -> Session | None:
    """Return the session of a cookie, or None if it is invalid, has expired or was signed out.

    `tokens` are the valid ones. A user has the role that `sso` gives to their groups now.
    """
    stored = sessions.find(database, _id(cookie), now) if cookie else None
    if stored is None:
        return None
    holder = _find_holder(cookie, stored, tokens, now, sso)
    if holder is None:
        return None
    is_user = stored.identity is not None
    return Session(stored.session, holder, is_user, _derive(cookie, b"form key"))


def _find_holder(
    cookie: str,
    stored: StoredSession,
    tokens: Sequence[AccessToken],
    now: datetime,
    sso: Sso | None,
) -> AccessToken | None:
    """Return the token, or the access of the user, behind a session; None if there is none now."""
    if stored.identity is None:
        marks = ((holder, _mark(cookie, holder)) for holder in tokens)
        return next((holder for holder, mark in marks if _is_same(mark, stored.mark)), None)
    if sso is None or not _is_same(_mark_user(cookie, sso), stored.mark):
        return None
    if stored.until - now > sso.session + CLOCK_DIFFERENCE:
        return None  # sso.session was longer when it began
    return access_of(Identity.from_json(stored.identity), sso)


def _is_same(mark: str, stored: str) -> bool:
    return hmac.compare_digest(mark, stored)


def derive_attempt(cookie: str) -> Attempt:
    """Return the secrets of a sign-in at the identity provider from the cookie that it began."""
    state, nonce, verifier = (_derive(cookie, name) for name in (b"state", b"nonce", b"verifier"))
    return Attempt(state, nonce, verifier)


def _id(cookie: str) -> str:
    return sha256(_bytes(cookie)).hexdigest()


def _mark(cookie: str, holder: AccessToken) -> str:
    return _derive(cookie, b"token\n" + holder.name.encode() + b"\n" + holder.digest)


def _mark_user(cookie: str, sso: Sso) -> str:
    # Another provider or client may give the same names to other users and groups.
    return _derive(cookie, b"user\n" + sso.issuer.encode() + b"\n" + sso.client_id.encode())


def _derive(cookie: str, purpose: bytes) -> str:
    return hmac.new(_bytes(cookie), purpose, sha256).hexdigest()


def _bytes(cookie: str) -> bytes:
    return cookie.encode("utf-8", "surrogatepass")
