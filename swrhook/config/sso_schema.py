"""The schema of `sso`: the identity provider, and what the members of its groups may do."""

from collections.abc import Mapping

from marshmallow import ValidationError, validates_schema

from swrhook.config import validators
from swrhook.config.fields import Duration, OneOf, SecretText, Text
from swrhook.config.model import ROLES
from swrhook.config.nodes import Data
from swrhook.config.sections import Items, OneOrMore, Part, Section, check_not_empty

# The dashboard has nothing for the role `ask`.
GROUP_ROLES = ROLES[1:]


class SsoGroupSection(Section):
    """One group of the identity provider."""

    name = Text(required=True, validate=validators.claim)
    role = Text(required=True, validate=OneOf(GROUP_ROLES))
    namespaces = OneOrMore(Text(validate=validators.organization_pattern))
    namespaces_claim = Text(validate=validators.claim)

    @validates_schema
    def _check_one_limit(self, data: Mapping[str, Data], **_: Data) -> None:
        if "namespaces" in data and "namespaces_claim" in data:
            raise ValidationError("write namespaces or namespaces_claim, not both")


class SsoSection(Section):
    """The section `sso`."""

    issuer = Text(required=True, validate=validators.issuer)
    client_id = Text(required=True, validate=validators.header_value)
    client_secret = SecretText(validate=validators.header_value)
    url = Text(required=True, validate=validators.dashboard_url)
    name = Text(validate=validators.label)
    scopes = Items(Text(validate=validators.header_value))
    user_claim = Text(validate=validators.claim)
    groups_claim = Text(validate=validators.claim)
    groups = Items(Part(SsoGroupSection), required=True, validate=check_not_empty)
    # Groups are read at sign-in only: this is how long somebody who left one may stay.
    session = Duration("1m", longest="24h")
