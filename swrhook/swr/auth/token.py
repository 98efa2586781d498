"""The token of the configuration."""

from dataclasses import dataclass, field

from swrhook.errors import Kind, SwrError
from swrhook.swr.auth.password import is_header_value
from swrhook.swr.response import SwrResponse
from swrhook.wording.message import say


@dataclass(frozen=True, slots=True)
class StaticToken:
    """Supplies the one token of the configuration, for every project."""

    token: str = field(repr=False)

    def get(self, project: str) -> str:
        """Return the token. Raises SwrError when it cannot be sent in a header."""
        if is_header_value(self.token):
            return self.token
        message = say(
            "the token in swr.credentials, used for %(project)s, cannot be sent in a header",
            project=project,
        )
        remedy = say("it must not contain spaces or line breaks: check swr.credentials")
        raise SwrError(Kind.AUTHENTICATION, "token", message, remedy=remedy)

    def renew(self, project: str, refused: str, response: SwrResponse) -> None:
        """Return None: there is no other token."""
