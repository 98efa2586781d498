"""From the claims of a user to what they may do."""

import json
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass

from swrhook.config.model import ROLES, AccessToken
from swrhook.config.sso import Sso, SsoGroup
from swrhook.errors import Unauthenticated
from swrhook.rules.glob import Glob
from swrhook.rules.namespaces import Namespaces
from swrhook.senders.payload import Json, get, text
from swrhook.swr_names import is_namespace
from swrhook.wording.message import say

# In the audit log: no token has a name that begins like this by accident.
PREFIX = "sso:"
MAX_USER_LENGTH = 100
MAX_NAMESPACES = 1000
_USER_CLAIMS = ("preferred_username", "email", "sub")


@dataclass(frozen=True, slots=True)
class Identity:
    """A user, and as much of their claims as swrhook.yaml refers to.

    `namespaces` are organizations by the claim that lists them.
    """

    user: str
    subject: str
    groups: Sequence[str]
    namespaces: Mapping[str, Sequence[str]]

    def to_json(self) -> str:
        """Return it as a text for the ledger."""
        return json.dumps(asdict(self))

    @staticmethod
    def from_json(stored: str) -> "Identity":
        """Return what `to_json` made."""
        return Identity(**json.loads(stored))


def read_identity(claims: Json, sso: Sso) -> Identity:
    """Read the claims of a user. Raises Unauthenticated if there is no usable name in them."""
    groups = set(_texts(find_claim(claims, sso.groups_claim)))
    names = {group.namespaces_claim for group in sso.groups if group.namespaces_claim}
    return Identity(
        user=_read_user(claims, sso),
        subject=text(claims, "sub") or "",
        groups=[group.name for group in sso.groups if group.name in groups],
        namespaces={name: _namespaces(find_claim(claims, name)) for name in names},
    )


def find_claim(claims: Json, name: str) -> Json:
    """Return a claim. A dot in the name leads into a claim that is an object, if it must."""
    value = get(claims, name)
    return get(claims, *name.split(".")) if value is None else value


def access_of(identity: Identity, sso: Sso) -> AccessToken | None:
    """Return what a user may do by the groups of swrhook.yaml; None: nothing.

    The highest role of all their groups counts, and the organizations of the groups with that role.
    """
    groups = [group for group in sso.groups if group.name in identity.groups]
    if not groups:
        return None
    role = max((group.role for group in groups), key=ROLES.index)
    limits = [_limits(group, identity) for group in groups if group.role == role]
    patterns = [limit.patterns for limit in limits if limit is not None]
    namespaces = Namespaces(sum(patterns, ())) if len(patterns) == len(limits) else None
    return AccessToken(PREFIX + identity.user, role, b"", namespaces=namespaces)


def _limits(group: SsoGroup, identity: Identity) -> Namespaces | None:
    if group.namespaces_claim is None:
        return group.namespaces
    names = identity.namespaces.get(group.namespaces_claim, ())
    return Namespaces(tuple(Glob(name) for name in names))


def _read_user(claims: Json, sso: Sso) -> str:
    names = (sso.user_claim,) if sso.user_claim else _USER_CLAIMS
    users = [text(find_claim(claims, name)) for name in names]
    user = next((user for user in users if user and user.isprintable()), None)
    if user is None or len(user) > MAX_USER_LENGTH:
        raise Unauthenticated(
            say(
                "the provider does not name you: the claim %(claim)s is missing, or longer than"
                " %(limit)s characters (sso.user_claim)",
                claim=names[0],
                limit=MAX_USER_LENGTH,
            )
        )
    return user


def _namespaces(value: Json) -> Sequence[str]:
    """Return the organizations in a claim: names as they are, never patterns."""
    return [name for name in _texts(value) if is_namespace(name)][:MAX_NAMESPACES]


def _texts(value: Json) -> Sequence[str]:
    values = value if isinstance(value, list) else [value]
    return [item for item in values if isinstance(item, str)]
