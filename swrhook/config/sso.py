"""The section `sso` as frozen values: the identity provider, and what its groups may do."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import timedelta

from swrhook.rules.namespaces import Namespaces


@dataclass(frozen=True, slots=True)
class SsoGroup:
    """A group of the identity provider, and what its members may do.

    `namespaces` limits them to organizations of the source. `namespaces_claim` names the claim of
    a user that lists them instead.
    """

    name: str
    role: str
    namespaces: Namespaces | None = None
    namespaces_claim: str | None = None


@dataclass(frozen=True, slots=True)
class Sso:
    """The section `sso`: an identity provider for the dashboard. `url` is the dashboard's address.

    `user_claim` None: the first one that a user has of `preferred_username`, `email` and `sub`.
    """

    issuer: str
    client_id: str
    url: str
    groups: Sequence[SsoGroup]
    client_secret: str | None = field(default=None, repr=False)
    name: str = "single sign-on"
    scopes: Sequence[str] = ("profile", "email")
    user_claim: str | None = None
    groups_claim: str = "groups"
    session: timedelta = timedelta(hours=12)
