"""The authentication schemes of senders: one function builds the check for each scheme.

A check takes a delivery and the time. It returns if the delivery is authentic, and otherwise
raises Unauthenticated, or KeysUnavailable while it cannot tell; nothing else for any headers and
body. The scheme is configured for each sender and never depends on the request.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from swrhook.auth import hmac_signature, oidc, shared_secret, standard_webhooks, topics
from swrhook.auth.ports import NO_KEYS, Authenticate, KeyProvider
from swrhook.auth.secrets import Secret
from swrhook.senders.delivery import Delivery

__all__ = ["NO_KEYS", "PATH_SCHEMES", "SCHEMES", "Authenticate", "KeyProvider", "Scheme", "Secret"]

Confirm = Callable[[KeyProvider, Delivery], bool]


@dataclass(frozen=True, slots=True)
class Scheme:
    """An authentication scheme: the function that builds its check, and that one's arguments.

    `is_proof` is False for a scheme that accepts every request. With `needs_keys`, the function
    also takes `keys`, a KeyProvider. `confirm` confirms the subscription that an authentic
    delivery offers, if it offers one.
    """

    build: Callable[..., Authenticate]
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    takes_path_secret: bool = False
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
    "path": Scheme(shared_secret.path, ("secrets",), takes_path_secret=True),
    "smn": Scheme(topics.smn, ("topic_urns",), needs_keys=True, confirm=topics.confirm_smn),
    "sns": Scheme(topics.sns, ("topic_arns",), needs_keys=True, confirm=topics.confirm_sns),
    "standard-webhooks": Scheme(standard_webhooks.standard_webhooks, ("secrets",), ("tolerance",)),
}
PATH_SCHEMES = frozenset(name for name, scheme in SCHEMES.items() if scheme.takes_path_secret)
