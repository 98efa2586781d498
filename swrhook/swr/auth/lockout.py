"""Stops a refused credential from being tried again, in any process that shares the ledger.

IAM locks an account after a few wrong passwords, and the gateway a key after five wrong
signatures, also for everything else that uses them.
"""

import hashlib
import json
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import lru_cache
from threading import Lock, Thread
from typing import Protocol

from swrhook.clock import Clock
from swrhook.config.model import Credentials, KeyCredentials, PasswordCredentials
from swrhook.errors import Kind, SwrError
from swrhook.model import Refusal
from swrhook.wording.message import say

_SALT = b"swrhook: the fingerprint of an IAM credential, 1"
_SCRYPT_LOCK = Lock()
# No refusal lasts longer, except those that last until something changes.
_LONGEST = timedelta(minutes=30)
# After a refusal that may mean the project, another project may try the credential.
_NEXT_PROJECT_AFTER = timedelta(minutes=1)
# For how long a login shows that the password was right when another project is refused.
_PROOF_OF_PASSWORD = timedelta(minutes=10)
# For how long it allows to try a refused project again: as long as its token is valid.
_PROOF_FOR_RETRY = timedelta(hours=24)


class LoginRefused(SwrError):
    """IAM or the gateway refuses a login or signature: trying it again may lock the account."""

    lasts: timedelta | None = None  # until what was refused changes


class CredentialRefused(LoginRefused):
    """The credential itself is wrong."""


class AccountLocked(CredentialRefused):
    """IAM reports a locked account and nothing else; by default a lock ends after 15 minutes."""

    lasts = _LONGEST


class KeyLocked(CredentialRefused):
    """The gateway locks a key for five minutes after five failures, of any of its users."""

    lasts = timedelta(minutes=10)


class ProjectRefused(LoginRefused):
    """IAM does not say whether the credential is wrong or the project is denied."""

    lasts = _LONGEST


class RefusalStore(Protocol):
    """Stores refusals for all processes, by the fingerprint of the credential.

    A changed credential has a new fingerprint, and so no refusal.
    """

    def refusal(self, fingerprint: str) -> Refusal | None:
        """Return the last refusal of this credential, or None."""

    def refuse(self, fingerprint: str, refusal: Refusal) -> None:
        """Store a refusal of this credential."""

    def forget(self, fingerprint: str) -> None:
        """Delete the refusal of this credential."""


@dataclass(slots=True)
class LockoutGuard:
    """Checks one credential against the store before each use, and records its refusals.

    An answer that may mean the project refuses only that project, if another one has just logged
    in. Otherwise the credential is suspect: one other project may try it, a minute later. A login
    that succeeds clears the suspicion; a second refusal confirms it. So a wrong password is tried
    twice at the most, however many projects there are.
    """

    credentials: PasswordCredentials | KeyCredentials
    endpoint: str
    refusals: RefusalStore
    clock: Clock
    accepted_at: datetime | None = None  # when it last logged in, in this process

    def check(self, project: str = "") -> None:
        """Raise SwrError when the credential or the project was refused, by any process."""
        now = self.clock.now()
        refusal = self.refusals.refusal(self._key())
        if refusal is not None and not _has_ended(refusal, now):
            raise _refused_before(refusal)
        refusal = self.refusals.refusal(self._key(project)) if project else None
        if refusal is None:
            return
        if not (_has_ended(refusal, now) and self._is_proven(_PROOF_FOR_RETRY)):
            raise _project_refused_before(refusal, project)

    def needs_proof(self, project: str) -> bool:
        """Return whether a login for another project would tell if this one may be tried again."""
        now, refusal = self.clock.now(), self.refusals.refusal(self._key(project))
        if refusal is None or not _has_ended(refusal, now) or self._is_proven(_PROOF_FOR_RETRY):
            return False
        suspicion = self.refusals.refusal(self._key())
        return suspicion is None or _has_ended(suspicion, now)

    def record(self, error: LoginRefused, project: str = "") -> None:
        """Record for all processes that the credential, or its login for a project, was refused."""
        now = self.clock.now()
        again_at = None if error.lasts is None else now + error.lasts
        refusal = Refusal(str(error), again_at)
        if not isinstance(error, ProjectRefused):
            self.refusals.refuse(self._key(), refusal)
            return
        is_known = self.refusals.refusal(self._key(project)) is not None
        self.refusals.refuse(self._key(project), refusal)
        if is_known or self._is_proven(_PROOF_OF_PASSWORD):
            return
        is_suspect = self.refusals.refusal(self._key()) is not None
        again_at = None if is_suspect else now + _NEXT_PROJECT_AFTER
        self.refusals.refuse(self._key(), Refusal(str(error), again_at))

    def record_success(self) -> None:
        """Record that the credential has logged in: it is right, so no process suspects it."""
        self.accepted_at = self.clock.now()
        if self.refusals.refusal(self._key()) is not None:
            self.refusals.forget(self._key())

    def _is_proven(self, lasts: timedelta) -> bool:
        """Return whether the credential has logged in within this time."""
        return self.accepted_at is not None and self.clock.now() - self.accepted_at < lasts

    def _key(self, project: str = "") -> str:
        return fingerprint(self.credentials, self.endpoint, project)


def _has_ended(refusal: Refusal, now: datetime) -> bool:
    if refusal.again_at is None:
        return False
    # One that would last longer was recorded before the clock was set back.
    return not timedelta() < refusal.again_at - now <= _LONGEST


def _refused_before(refusal: Refusal) -> SwrError:
    """Return the error of a credential that was refused."""
    if refusal.again_at is None:
        message = say(
            "this credential was refused, and it is not tried again: %(reason)s",
            reason=refusal.reason,
        )
        remedy = say("correct swr.credentials; they are tried again as soon as they change")
    else:
        until = f"{refusal.again_at:%H:%M} UTC"
        message = say(
            "this credential was refused, and it is not tried again before %(until)s: %(reason)s",
            until=until,
            reason=refusal.reason,
        )
        remedy = say(
            "correct swr.credentials; they are tried again then, or as soon as they change"
        )
    return SwrError(Kind.AUTHENTICATION, "refused", message, remedy=remedy)


def _project_refused_before(refusal: Refusal, project: str) -> SwrError:
    """Return the error of a project for which the login was refused."""
    message = say(
        "the login for the project %(project)s was refused: %(reason)s",
        project=project,
        reason=refusal.reason,
    )
    remedy = say(
        "check the region's project in swr.regions (project or project_id), whether the IAM user"
        " may use it, and swr.credentials; it is tried again as soon as one of them changes, and"
        " every half hour while the logins for other projects succeed"
    )
    return SwrError(Kind.AUTHENTICATION, "refused_project", message, remedy=remedy)


def fingerprint(
    credentials: PasswordCredentials | KeyCredentials, endpoint: str, project: str = ""
) -> str:
    """Return the fingerprint of a credential at one IAM, or of its use for one project there.

    The ledger stores it, so it never changes.

    With a plain hash of user and password, a reader of the ledger could test billions of words a
    second; scrypt costs 16 MiB and a quarter of a second for each. The salt is fixed, since all
    processes must get the same fingerprint, and includes the user, so that no two users share one.
    """
    # lru_cache does not stop two threads from computing the same value at the same time.
    with _SCRYPT_LOCK:
        scrypt_hash = _scrypt_hash(credentials)
    place = f"{endpoint}\0{project}" if project else endpoint
    return hashlib.sha256(scrypt_hash + place.encode()).hexdigest()


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
