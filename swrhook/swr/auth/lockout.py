"""What is remembered of a credential that IAM or the gateway has refused, and where."""

import hashlib
import json
from datetime import timedelta
from functools import lru_cache
from threading import Lock, Thread
from typing import Protocol

from swrhook.clock import Clock
from swrhook.config.model import Credentials, KeyCredentials, PasswordCredentials
from swrhook.errors import Kind, SwrError
from swrhook.model import Refusal

_SALT = b"swrhook: the fingerprint of an IAM credential, 1"


class CredentialRefused(SwrError):
    """The credential itself is not accepted: trying it again may lock the account."""

    lasts: timedelta | None = None  # for ever


class AccountLocked(CredentialRefused):
    """IAM says only that the account is locked, which ends by itself: 15 minutes by default."""

    lasts = timedelta(minutes=30)


class KeyLocked(CredentialRefused):
    """The gateway shuts a key out for five minutes, after five failures that may be another's."""

    lasts = timedelta(minutes=10)


class RefusedCredentials(Protocol):
    """What all processes know of refused credentials. One that changes has a new fingerprint."""

    def refusal(self, fingerprint: str) -> Refusal | None:
        """Return the last refusal of this credential, or None."""

    def refuse(self, fingerprint: str, refusal: Refusal) -> None:
        """Remember that this credential was refused."""


class LockoutGuard:
    """Keeps one credential from being tried once more after it was refused."""

    def __init__(
        self,
        credentials: PasswordCredentials | KeyCredentials,
        endpoint: str,
        refused: RefusedCredentials,
        clock: Clock,
    ) -> None:
        self._credentials = credentials
        self._endpoint = endpoint
        self._refused = refused
        self._clock = clock

    def check(self) -> None:
        """Raise SwrError when some process knows that the credential is refused."""
        refusal = self._refused.refusal(self._mark())
        if refusal is None:
            return
        if refusal.again_at is None:
            raise _refused_before("and it is not tried again", refusal, "as soon as they change")
        if self._clock.now() < refusal.again_at:
            again = f"and it is not tried again before {refusal.again_at:%H:%M} UTC"
            raise _refused_before(again, refusal, "then, or as soon as they change")

    def refuse(self, error: CredentialRefused) -> None:
        """Tell all processes that the credential is refused."""
        again_at = None if error.lasts is None else self._clock.now() + error.lasts
        self._refused.refuse(self._mark(), Refusal(str(error), again_at))

    def _mark(self) -> str:
        return fingerprint(self._credentials, self._endpoint)


def fingerprint(credentials: PasswordCredentials | KeyCredentials, endpoint: str) -> str:
    """Return what stands for a credential at one IAM in the ledger, without giving it away.

    A plain hash over user and password would let whoever reads the ledger try a dictionary at
    billions of words a second; scrypt asks 16 MiB and a quarter of a second for each. The salt
    is fixed, for all processes have to find the same mark, and holds who the user is, so that no
    two users share one.
    """
    with _STRETCHING:  # whoever comes meanwhile waits for what is being computed
        stretched = _stretched(credentials)
    return hashlib.sha256(stretched + endpoint.encode()).hexdigest()


def prepare(credentials: Credentials) -> None:
    """Compute the slow part in the background: the first push after a start would wait for it."""
    if isinstance(credentials, PasswordCredentials | KeyCredentials):
        arguments = (credentials, "")
        Thread(target=fingerprint, args=arguments, name="credentials", daemon=True).start()


_STRETCHING = Lock()


@lru_cache(maxsize=8)
def _stretched(credentials: PasswordCredentials | KeyCredentials) -> bytes:
    """Return the slow part, computed once for a credential."""
    match credentials:
        case PasswordCredentials(user, domain, secret):
            who = [user, domain]
        case KeyCredentials(access, secret, security_token):
            who = ["aksk", access, security_token or ""]
    salt = _SALT + json.dumps(who).encode()
    return hashlib.scrypt(secret.encode(), salt=salt, n=2**14, r=8, p=5)


def _refused_before(again: str, refusal: Refusal, when: str) -> SwrError:
    return SwrError(
        Kind.AUTHENTICATION,
        "refused",
        f"this credential was refused, {again}: {refusal.reason}",
        remedy=f"correct swr.credentials; they are tried again {when}",
    )
