"""How a sender proves where a delivery comes from: one function for each scheme.

Each builds an authenticator, which returns when the delivery is proven and raises Unauthenticated
otherwise, or KeysUnavailable, nothing else, whatever the headers and bytes. Which scheme serves a
sender is the sender's setting, never the sender's choice.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from swrhook.auth import hmac_signature, oidc, shared_secret, standard_webhooks, topics
from swrhook.auth.ports import NO_KEYS, KeyProvider
from swrhook.auth.secrets import Secret
from swrhook.auth.shared_secret import Authenticate
from swrhook.senders.delivery import Delivery

__all__ = [
    "NO_KEYS",
    "PATH_SCHEMES",
    "SCHEMES",
    "Authenticate",
    "KeyProvider",
    "Scheme",
    "Secret",
]

Confirm = Callable[[KeyProvider, Delivery], None]


@dataclass(frozen=True, slots=True)
class Scheme:
    """A way to authenticate: the function that builds it, and the arguments that this takes.

    `is_proof` is False where everybody passes. Where `asks_outside`, the function takes an Outside
    too. `confirm` confirms a subscription that an authentic delivery offers.
    """

    build: Callable[..., Authenticate]
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    uses_path_secret: bool = False
    is_proof: bool = True
    needs_keys: bool = False
    confirm: Confirm | None = None


SCHEMES: Mapping[str, Scheme] = {
    "basic": Scheme(shared_secret.basic, ("username", "secrets")),
    "bearer": Scheme(shared_secret.bearer, ("secrets",)),
    "github": Scheme(hmac_signature.github, ("secrets",)),
    "gitlab": Scheme(standard_webhooks.gitlab, ("secrets",)),
    "google-oidc": Scheme(oidc.google_oidc, ("audience", "email"), needs_keys=True),
    "header": Scheme(shared_secret.header, ("header", "secrets")),
    "hmac": Scheme(hmac_signature.hmac, ("header", "secrets"), ("algorithm", "encoding", "prefix")),
    "jfrog": Scheme(hmac_signature.jfrog, ("secrets",), ("signed",)),
    "nexus": Scheme(hmac_signature.nexus, ("secrets",)),
    "none": Scheme(shared_secret.none, (), is_proof=False),
    "oidc": Scheme(oidc.oidc, ("issuer", "audience", "claims"), needs_keys=True),
    "path": Scheme(shared_secret.path, ("secrets",), uses_path_secret=True),
    "smn": Scheme(topics.smn, ("topic_urns",), needs_keys=True, confirm=topics.confirm_smn),
    "sns": Scheme(topics.sns, ("topic_arns",), needs_keys=True, confirm=topics.confirm_sns),
    "standard-webhooks": Scheme(standard_webhooks.standard_webhooks, ("secrets",), ("tolerance",)),
}
PATH_SCHEMES = frozenset(name for name, scheme in SCHEMES.items() if scheme.uses_path_secret)
