"""What is remembered of a credential that IAM has refused, and where."""

import hashlib
import json
from functools import lru_cache
from typing import Protocol

from swrhook.config.values import PasswordCredentials

_SALT = b"swrhook: the fingerprint of an IAM credential, 1"


class RefusedCredentials(Protocol):
    """What all processes know of refused credentials. One that changes has a new fingerprint."""

    def reason(self, fingerprint: str) -> str | None:
        """Return why IAM refused this credential, or None."""

    def refuse(self, fingerprint: str, reason: str) -> None:
        """Remember that IAM refused this credential."""


def fingerprint(credentials: PasswordCredentials, endpoint: str) -> str:
    """Return what stands for a credential at one IAM in the ledger, without giving it away.

    A plain hash over user and password would let whoever reads the ledger try a dictionary at
    billions of words a second; scrypt asks 16 MiB and a quarter of a second for each. The salt
    is fixed, for all processes have to find the same mark, and holds who the user is, so that no
    two users share one.
    """
    return hashlib.sha256(_stretched(credentials) + endpoint.encode()).hexdigest()


@lru_cache(maxsize=8)
def _stretched(credentials: PasswordCredentials) -> bytes:
    """Return the slow part, computed once for a credential."""
    who = json.dumps([credentials.user, credentials.domain]).encode()
    return hashlib.scrypt(credentials.password.encode(), salt=_SALT + who, n=2**14, r=8, p=5)
