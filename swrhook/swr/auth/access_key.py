"""Access key sources: the fixed key of the configuration, and temporary keys of this machine."""

import re
from typing import Protocol

from swrhook.clock import Clock
from swrhook.config.model import KeyCredentials
from swrhook.swr.auth.cache import CredentialCache
from swrhook.swr.auth.lockout import CredentialRefused, KeyLocked, LockoutGuard, RefusalStore
from swrhook.swr.auth.metadata import MachineKeyFetcher
from swrhook.swr.auth.signing import AccessKey
from swrhook.swr.response import SwrResponse, read_error

# The gateway has one code for everything that is wrong with a signature. Only its message tells a
# wrong key ("ak AKXX not exist", "Get secretKey failed,ak:...,err:ak not exist" or "verify aksk
# signature fail,canonicalRequest:...") from a wrong clock ("signature expired").
_SIGNATURE_CODE = "APIGW.0301"
_REFUSED = re.compile(r"\bak\b.{0,100} not exist|verify aksk signature fail", re.IGNORECASE)
_LOCKED = re.compile(r"AK access failed to reach the limit", re.IGNORECASE)
_MACHINE = ""  # the only name in the cache: a machine has one key at a time


class AccessKeySource(Protocol):
    """Supplies the access key to sign with."""

    def key(self) -> AccessKey:
        """Return the key. Raises SwrError when there is none."""

    def renew(self, refused: AccessKey, response: SwrResponse) -> AccessKey | None:
        """Return another key than the one that the response refused, or None."""


class StaticAccessKey:
    """Supplies the one key of the configuration, until it is refused."""

    def __init__(
        self,
        credentials: KeyCredentials,
        endpoint: str,
        refusals: RefusalStore,
        clock: Clock,
    ) -> None:
        self._key = AccessKey(
            credentials.access_key, credentials.secret_key, credentials.security_token
        )
        self._guard = LockoutGuard(credentials, endpoint, refusals, clock)

    def key(self) -> AccessKey:
        """Return the key. Raises SwrError when it was refused, in this process or another."""
        self._guard.check()
        return self._key

    def renew(self, refused: AccessKey, response: SwrResponse) -> None:  # noqa: ARG002
        """Record the refusal, if the response proves it, and return None: there is no other."""
        error = find_key_refusal(response)
        if error is not None:
            self._guard.record(error)


class TemporaryAccessKeys:
    """Supplies keys of this machine; they are renewed before they expire, or when refused."""

    def __init__(self, fetcher: MachineKeyFetcher, clock: Clock) -> None:
        self._cache = CredentialCache(lambda _: fetcher.fetch(), clock)

    def key(self) -> AccessKey:
        """Return a key that has not expired. Raises SwrError."""
        return self._cache.get(_MACHINE)

    def renew(self, refused: AccessKey, response: SwrResponse) -> AccessKey | None:  # noqa: ARG002
        """Return a new key, or None when a new one was refused just before."""
        return self._cache.renew(_MACHINE, refused)


def find_key_refusal(response: SwrResponse) -> CredentialRefused | None:
    """Return the error of a response that refuses the key itself, or None for any other."""
    error = read_error(response)
    if error.code != _SIGNATURE_CODE:
        return None
    if _LOCKED.search(error.message):
        return KeyLocked(error.kind, error.code, error.message)
    if _REFUSED.search(error.message):
        return CredentialRefused(error.kind, error.code, error.message)
    return None
