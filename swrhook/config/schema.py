"""The schema of swrhook.yaml, a class for each mapping in it. docs/configuration.md explains it."""

from collections.abc import Mapping

from marshmallow import ValidationError, validates_schema

from swrhook.config import validators
from swrhook.config.clouds import CLOUDS
from swrhook.config.fields import Duration, Flag, OneOf, SecretText, Text, Timestamp
from swrhook.config.model import ROLES
from swrhook.config.nodes import Data
from swrhook.config.notify_schema import NotifySection
from swrhook.config.rule_schema import DefaultsSection, RuleSection
from swrhook.config.sections import ByKind, Items, Named, OneOrMore, Part, Section
from swrhook.config.sender_schema import SenderSection
from swrhook.config.settings_schema import OptionsSection
from swrhook.config.sso_schema import SsoSection


class CredentialsSection(Section):
    """Credentials: temporary access keys from the platform, which need no settings."""

    kind = Text(required=True)


class PasswordSection(CredentialsSection):
    """Credentials: an IAM user."""

    user = Text(required=True, validate=validators.label)
    domain = Text(required=True, validate=validators.label)
    password = SecretText(required=True)


class TokenSection(CredentialsSection):
    """Credentials: an IAM token that was issued elsewhere."""

    token = SecretText(required=True, validate=validators.header_value)


class KeySection(CredentialsSection):
    """Credentials: an access key."""

    access_key = Text(required=True, validate=validators.header_value)
    secret_key = SecretText(required=True, validate=validators.header_value)
    security_token = SecretText(validate=validators.header_value)


CREDENTIALS_SECTIONS = {
    "password": PasswordSection(),
    "token": TokenSection(),
    "aksk": KeySection(),
    "ecs_agency": CredentialsSection(),
    "pod_identity": CredentialsSection(),
}


class RegionSection(Section):
    """One region."""

    endpoint = Text(validate=validators.endpoint)
    project = Text(validate=validators.label)
    project_id = Text(validate=validators.header_value)

    @validates_schema
    def _check_one_project(self, data: Mapping[str, Data], **_: Data) -> None:
        if "project" in data and "project_id" in data:
            raise ValidationError("write project or project_id, not both")


class SwrSection(Section):
    """The section `swr`."""

    cloud = Text(validate=OneOf(CLOUDS))
    iam_endpoint = Text(validate=validators.endpoint)
    credentials = ByKind("kind", CREDENTIALS_SECTIONS)
    regions = Named(validators.region_name, Part(RegionSection), may_be_empty=False)

    @validates_schema(pass_original=True, skip_on_field_errors=False)
    def _check_iam(self, _: Data, original: Data, **__: Data) -> None:
        if isinstance(original, dict) and not original.keys() & {"cloud", "iam_endpoint"}:
            message = "is missing: write IAM's address, or name the cloud (`cloud: huawei`)"
            raise ValidationError({"iam_endpoint": [message]})


class AccessTokenSection(Section):
    """One token for the API."""

    name = Text(required=True, validate=validators.label)
    role = Text(required=True, validate=OneOf(ROLES))
    token = SecretText(required=True, validate=validators.token)
    allow_weak = Flag()
    not_after = Timestamp()
    namespaces = OneOrMore(Text(validate=validators.organization_pattern))


class AccessSection(Section):
    """The section `access`."""

    tokens = Items(Part(AccessTokenSection))
    metrics = Text(validate=OneOf(("token", "public")))


class GateSection(Section):
    """The section `gate`."""

    mode = Text(required=True, validate=OneOf(("off", "warn", "deny")))
    fail = Text(validate=OneOf(("open", "closed")))
    namespaces = OneOrMore(Text(validate=validators.organization_pattern))
    max_age = Duration("1s")
    registries = Named(
        validators.registry_host, Text(required=True), may_be_empty=True, required=False
    )


class Root(Section):
    """The whole file."""

    swr = Part(SwrSection, required=True)
    access = Part(AccessSection)
    sso = Part(SsoSection)
    gate = Part(GateSection)
    senders = Named(validators.sender_name, Part(SenderSection), may_be_empty=True)
    rules = Items(Part(RuleSection), required=True)
    notify = Part(NotifySection)
    settings = Part(OptionsSection)
    defaults = Part(DefaultsSection)
