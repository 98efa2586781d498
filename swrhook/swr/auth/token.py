"""Where the client gets its tokens, and the simplest place: the configuration."""

from typing import Protocol

from swrhook.errors import Kind, SwrError
from swrhook.swr.auth import password


class TokenSource(Protocol):
    """Whoever has tokens."""

    def token(self, project: str) -> str:
        """Return a token for a project. Raises SwrError."""

    def renew(self, project: str, refused: str) -> str | None:
        """Return another token than the one that SWR refused; None when none would help."""


class StaticToken:
    """The one token of the configuration, for every project."""

    def __init__(self, token: str) -> None:
        self._token = token

    def token(self, project: str) -> str:
        """Return the token. Raises SwrError when it cannot stand in a header."""
        if password.is_header_value(self._token):
            return self._token
        raise SwrError(
            Kind.CONFIGURATION,
            "token",
            f"the token in swr.credentials, used for {project}, cannot stand in a header",
            remedy="it may hold no space and no line break: check swr.credentials",
        )

    def renew(self, project: str, refused: str) -> None:  # noqa: ARG002
        """Return None: there is no other token."""
        return
