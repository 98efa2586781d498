"""How a source proves where a delivery comes from: one function for each scheme.

Each builds an authenticator, which returns when the delivery is proven and raises Unauthenticated
otherwise, nothing else, whatever the headers and bytes. Which scheme serves a source is the
source's setting, never the sender's choice.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

from swrhook.auth import shared, signed
from swrhook.auth.secret import Secret
from swrhook.auth.shared import Authenticate

__all__ = ["PATH_SCHEMES", "SCHEMES", "Authenticate", "Scheme", "Secret"]


@dataclass(frozen=True, slots=True)
class Scheme:
    """A way to authenticate: the function that builds it, and the arguments that this takes.

    `is_proof` is False where everybody passes.
    """

    build: Callable[..., Authenticate]
    required: tuple[str, ...]
    optional: tuple[str, ...] = ()
    takes_path_secret: bool = False
    is_proof: bool = True


SCHEMES: Mapping[str, Scheme] = {
    "basic": Scheme(shared.basic, ("username", "secrets")),
    "bearer": Scheme(shared.bearer, ("secrets",)),
    "header": Scheme(shared.header, ("header", "secrets")),
    "hmac": Scheme(signed.hmac, ("header", "secrets"), ("algorithm", "encoding", "prefix")),
    "none": Scheme(shared.none, (), is_proof=False),
    "path": Scheme(shared.path, ("secrets",), takes_path_secret=True),
}
PATH_SCHEMES = frozenset(name for name, scheme in SCHEMES.items() if scheme.takes_path_secret)
