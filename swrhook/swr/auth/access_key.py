"""Where the keys that sign requests come from: the configuration, or the machine that we run on."""

import re
from collections.abc import Callable
from typing import Protocol

from swrhook.clock import Clock
from swrhook.config.model import KeyCredentials
from swrhook.swr.auth.cache import CredentialCache, IssuedCredential
from swrhook.swr.auth.lockout import CredentialRefused, KeyLocked, LockoutGuard, RefusedCredentials
from swrhook.swr.auth.signing import AccessKey
from swrhook.swr.response import SwrResponse, failure

_GATEWAY = "APIGW.0301"
# «ak AKXX not exist», «Get secretKey failed,ak:…,err:ak not exist», «verify aksk signature
# fail,canonicalRequest:…». A signature «expired» is our clock's fault, not the key's.
_REFUSED = re.compile(r"\bak\b.{0,100} not exist|verify aksk signature fail", re.IGNORECASE)
_LOCKED = re.compile(r"AK access failed to reach the limit", re.IGNORECASE)
_MACHINE = ""


class Keys(Protocol):
    """Whoever has a key."""

    def key(self) -> AccessKey:
        """Return the key to sign with. Raises SwrError."""

    def another(self, refused: AccessKey, answer: SwrResponse) -> AccessKey | None:
        """Return another key than the one that was refused; None when there is none."""


class GivenKey:
    """The one key of the configuration; once refused, it signs nothing more."""

    def __init__(
        self,
        credentials: KeyCredentials,
        endpoint: str,
        refused: RefusedCredentials,
        clock: Clock,
    ) -> None:
        self._key = AccessKey(
            credentials.access_key, credentials.secret_key, credentials.security_token
        )
        self._guard = LockoutGuard(credentials, endpoint, refused, clock)

    def key(self) -> AccessKey:
        """Return the key. Raises SwrError when some process knows that it is refused."""
        self._guard.check()
        return self._key

    def another(self, refused: AccessKey, answer: SwrResponse) -> None:  # noqa: ARG002
        """Remember a key that the answer proves to be refused; there is no other."""
        error = key_refusal(answer)
        if error is not None:
            self._guard.refuse(error)


class TemporaryKeys:
    """Keys of the machine that we run on, fetched anew before they end or when one is refused."""

    def __init__(self, fetch: Callable[[], IssuedCredential[AccessKey]], clock: Clock) -> None:
        self._renewals = CredentialCache(lambda _: fetch(), clock)

    def key(self) -> AccessKey:
        """Return a key that has not ended. Raises SwrError."""
        return self._renewals.get(_MACHINE)

    def another(self, refused: AccessKey, answer: SwrResponse) -> AccessKey | None:  # noqa: ARG002
        """Return a new key; None when new ones are refused too."""
        return self._renewals.renew(_MACHINE, refused)


def key_refusal(answer: SwrResponse) -> CredentialRefused | None:
    """Return the error that says that the key itself is refused, where the answer proves it."""
    error = failure(answer)
    if error.code != _GATEWAY:
        return None
    if _LOCKED.search(error.message):
        return KeyLocked(error.kind, error.code, error.message)
    if _REFUSED.search(error.message):
        return CredentialRefused(error.kind, error.code, error.message)
    return None
