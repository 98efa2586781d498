"""Stops a refused credential from being tried again, in any process that shares the ledger.

IAM locks an account after a few wrong passwords, and the gateway a key after five wrong
signatures, also for everything else that uses them.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import timedelta
from functools import lru_cache
from threading import Lock, Thread
from typing import Protocol

from swrhook.clock import Clock
from swrhook.config.model import Credentials, KeyCredentials, PasswordCredentials
from swrhook.errors import Kind, SwrError
from swrhook.model import Refusal

_SALT = b"swrhook: the fingerprint of an IAM credential, 1"
_SCRYPT_LOCK = Lock()


class CredentialRefused(SwrError):
    """The credential itself is wrong: trying it again may lock the account."""

    lasts: timedelta | None = None  # until the credential changes


class AccountLocked(CredentialRefused):
    """IAM reports a locked account and nothing else; by default a lock ends after 15 minutes."""

    lasts = timedelta(minutes=30)


class KeyLocked(CredentialRefused):
    """The gateway locks a key for five minutes after five failures, of any of its users."""

    lasts = timedelta(minutes=10)


class RefusalStore(Protocol):
    """Stores refusals for all processes, by the fingerprint of the credential.

    A changed credential has a new fingerprint, and so no refusal.
    """

    def refusal(self, fingerprint: str) -> Refusal | None:
        """Return the last refusal of this credential, or None."""

    def refuse(self, fingerprint: str, refusal: Refusal) -> None:
        """Store a refusal of this credential."""


@dataclass(frozen=True, slots=True)
class LockoutGuard:
    """Checks one credential against the store before each use, and records its refusals."""

    credentials: PasswordCredentials | KeyCredentials
    endpoint: str
    refusals: RefusalStore
    clock: Clock

    def check(self) -> None:
        """Raise SwrError when the credential was refused, by any process."""
        refusal = self.refusals.refusal(fingerprint(self.credentials, self.endpoint))
        if refusal is None or (refusal.again_at and self.clock.now() >= refusal.again_at):
            return
        until = f" before {refusal.again_at:%H:%M} UTC" if refusal.again_at else ""
        then = "then, or " if refusal.again_at else ""
        message = f"this credential was refused, and it is not tried again{until}: {refusal.reason}"
        remedy = f"correct swr.credentials; they are tried again {then}as soon as they change"
        raise SwrError(Kind.AUTHENTICATION, "refused", message, remedy=remedy)

    def record(self, error: CredentialRefused) -> None:
        """Record for all processes that the credential was refused."""
        again_at = None if error.lasts is None else self.clock.now() + error.lasts
        key = fingerprint(self.credentials, self.endpoint)
        self.refusals.refuse(key, Refusal(str(error), again_at))


def fingerprint(credentials: PasswordCredentials | KeyCredentials, endpoint: str) -> str:
    """Return the fingerprint of a credential at one IAM; the ledger stores it, so it never changes.

    With a plain hash of user and password, a reader of the ledger could test billions of words a
    second; scrypt costs 16 MiB and a quarter of a second for each. The salt is fixed, since all
    processes must get the same fingerprint, and includes the user, so that no two users share one.
    """
    # lru_cache does not stop two threads from computing the same value at the same time.
    with _SCRYPT_LOCK:
        scrypt_hash = _scrypt_hash(credentials)
    return hashlib.sha256(scrypt_hash + endpoint.encode()).hexdigest()


def precompute_fingerprint(credentials: Credentials) -> None:
    """Compute the slow part in the background, so that the first push after a start is fast."""
    if isinstance(credentials, PasswordCredentials | KeyCredentials):
        Thread(target=fingerprint, args=(credentials, ""), name="credentials", daemon=True).start()


@lru_cache(maxsize=8)
def _scrypt_hash(credentials: PasswordCredentials | KeyCredentials) -> bytes:
    match credentials:
        case PasswordCredentials(user, domain, secret):
            owner = [user, domain]
        case KeyCredentials(access, secret, security_token):
            owner = ["aksk", access, security_token or ""]
    salt = _SALT + json.dumps(owner).encode()
    return hashlib.scrypt(secret.encode(), salt=salt, n=2**14, r=8, p=5)
