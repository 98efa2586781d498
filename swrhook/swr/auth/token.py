"""Token sources: the protocol, and the fixed token of the configuration."""

from typing import Protocol

from swrhook.errors import Kind, SwrError
from swrhook.swr.auth.password import is_header_value


class TokenSource(Protocol):
    """Supplies IAM tokens, each for one project."""

    def token(self, project: str) -> str:
        """Return a token for a project. Raises SwrError."""

    def renew(self, project: str, refused: str) -> str | None:
        """Return another token than the one that SWR refused, or None when there is none."""


class StaticToken:
    """Supplies the one token of the configuration, for every project."""

    def __init__(self, token: str) -> None:
        self._token = token

    def token(self, project: str) -> str:
        """Return the token. Raises SwrError when it cannot be sent in a header."""
        if is_header_value(self._token):
            return self._token
        raise SwrError(
            Kind.CONFIGURATION,
            "token",
            f"the token in swr.credentials, used for {project}, cannot be sent in a header",
            remedy="it must not contain spaces or line breaks: check swr.credentials",
        )

    def renew(self, project: str, refused: str) -> None:  # noqa: ARG002
        """Return None: there is no other token."""
        return
