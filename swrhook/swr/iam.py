"""Tokens of IAM, one for each project."""

from collections.abc import Callable
from datetime import datetime

from swrhook.config.values import PasswordCredentials
from swrhook.swr import login
from swrhook.swr.credentials import CredentialRefused, Guard, RefusedCredentials
from swrhook.swr.renewal import Issued, Renewals
from swrhook.swr.wire import Request, Wire


class IamTokens:
    """Tokens of one IAM user; safe to use by many threads.

    One login at a time, whatever the project, and a wrong password is tried once: accounts lock
    after a few tries.
    """

    def __init__(
        self,
        credentials: PasswordCredentials,
        endpoint: str,
        wire: Wire,
        refused: RefusedCredentials,
        clock: Callable[[], datetime],
    ) -> None:
        self._credentials = credentials
        self._endpoint = endpoint
        self._wire = wire
        self._guard = Guard(credentials, endpoint, refused, clock)
        self._renewals = Renewals(self._login, clock)

    def token(self, project: str) -> str:
        """Return a token for a project. Raises SwrError."""
        return self._renewals.get(project)

    def renew(self, project: str, refused: str) -> str | None:
        """Return another token than the one that SWR refused; None when none would help."""
        return self._renewals.renew(project, refused)

    def _login(self, project: str) -> Issued[str]:
        """Ask IAM for a token, unless it has refused the credential before. Raises SwrError."""
        self._guard.check()
        body = login.token_request(self._credentials, project)
        secrets = (self._credentials.password,)
        request = Request("POST", login.PATH, login.HEADERS, body, secrets)
        answer = self._wire.send(self._endpoint, request)
        try:
            return login.read_token(answer)
        except CredentialRefused as error:
            self._guard.refuse(error)
            raise
