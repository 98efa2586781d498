"""The access key of the configuration, and the responses that refuse a key."""

import re
from dataclasses import dataclass

from swrhook.config.model import KeyCredentials
from swrhook.swr.auth.lockout import CredentialRefused, KeyLocked, LockoutGuard
from swrhook.swr.auth.signing import AccessKey
from swrhook.swr.response import SwrResponse, read_error

# The gateway has one code for everything that is wrong with a signature. Only its message tells a
# wrong key ("ak AKXX not exist", "Get secretKey failed,ak:...,err:ak not exist" or "verify aksk
# signature fail,canonicalRequest:...") from a wrong clock ("signature expired").
_SIGNATURE_CODE = "APIGW.0301"
_REFUSED = re.compile(r"\bak\b.{0,100} not exist|verify aksk signature fail", re.IGNORECASE)
_LOCKED = re.compile(r"AK access failed to reach the limit", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class StaticAccessKey:
    """Supplies the one key of the configuration, for every project, until it is refused."""

    credentials: KeyCredentials
    guard: LockoutGuard

    def get(self, name: str) -> AccessKey:  # noqa: ARG002
        """Return the key. Raises SwrError when it was refused, in this process or another."""
        self.guard.check()
        key = self.credentials
        return AccessKey(key.access_key, key.secret_key, key.security_token)

    def renew(self, name: str, refused: AccessKey, response: SwrResponse) -> None:  # noqa: ARG002
        """Record the refusal, if the response proves it, and return None: there is no other."""
        error = find_key_refusal(response)
        if error is not None:
            self.guard.record(error)


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
