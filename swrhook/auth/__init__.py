"""How a source proves where a delivery comes from: one function for each scheme.

Each builds an authenticator, which returns when the delivery is proven and raises Unauthenticated
otherwise, or KeysUnavailable, nothing else, whatever the headers and bytes. Which scheme serves a
source is the source's setting, never the sender's choice.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from swrhook.auth import shared, signed, standard, tokens, topics
from swrhook.auth.outside import NOWHERE, Outside
from swrhook.auth.secret import Secret
from swrhook.auth.shared import Authenticate
from swrhook.delivery import Delivery

__all__ = [
    "NOWHERE",
    "PATH_SCHEMES",
    "SCHEMES",
    "Authenticate",
    "Outside",
    "Scheme",
    "Secret",
]

Confirm = Callable[[Outside, Delivery], None]


@dataclass(frozen=True, slots=True)
class Scheme:
    """A way to authenticate: the function that builds it, and the arguments that this takes.

    `is_proof` is False where everybody passes. Where `asks_outside`, the function takes an Outside
    too. `confirm` confirms a subscription that an authentic delivery offers.
    """

    build: Callable[..., Authenticate]
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    takes_path_secret: bool = False
    is_proof: bool = True
    asks_outside: bool = False
    confirm: Confirm | None = None


SCHEMES: Mapping[str, Scheme] = {
    "basic": Scheme(shared.basic, ("username", "secrets")),
    "bearer": Scheme(shared.bearer, ("secrets",)),
    "github": Scheme(signed.github, ("secrets",)),
    "gitlab": Scheme(standard.gitlab, ("secrets",)),
    "google-oidc": Scheme(tokens.google_oidc, ("audience", "email"), asks_outside=True),
    "header": Scheme(shared.header, ("header", "secrets")),
    "hmac": Scheme(signed.hmac, ("header", "secrets"), ("algorithm", "encoding", "prefix")),
    "jfrog": Scheme(signed.jfrog, ("secrets",), ("signed",)),
    "nexus": Scheme(signed.nexus, ("secrets",)),
    "none": Scheme(shared.none, (), is_proof=False),
    "oidc": Scheme(tokens.oidc, ("issuer", "audience", "claims"), asks_outside=True),
    "path": Scheme(shared.path, ("secrets",), takes_path_secret=True),
    "smn": Scheme(topics.smn, ("topic_urns",), asks_outside=True, confirm=topics.confirm_smn),
    "sns": Scheme(topics.sns, ("topic_arns",), asks_outside=True, confirm=topics.confirm_sns),
    "standard-webhooks": Scheme(standard.standard_webhooks, ("secrets",), ("tolerance",)),
}
PATH_SCHEMES = frozenset(name for name, scheme in SCHEMES.items() if scheme.takes_path_secret)
