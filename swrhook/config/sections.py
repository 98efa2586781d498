"""What swrhook.yaml may hold: a section for each mapping in it; docs/configuration.md explains."""

from swrhook.config import checks
from swrhook.config.containers import ByKind, Items, Named, Part, PlainPart, Section
from swrhook.config.fields import OneOf, SecretText, Text
from swrhook.config.option_sections import OptionsSection
from swrhook.config.rule_sections import DefaultsSection, RuleSection
from swrhook.config.source_sections import SourceSection

ROLES = ("read", "operate", "admin")


class PasswordSection(Section):
    """Credentials: an IAM user."""

    kind = Text()
    user = Text(required=True, validate=checks.label)
    domain = Text(required=True, validate=checks.label)
    password = SecretText(required=True)


class TokenSection(Section):
    """Credentials: a token made elsewhere."""

    kind = Text()
    token = SecretText(required=True, validate=checks.header_value)


class KeySection(Section):
    """Credentials: an access key, which signs requests."""

    kind = Text()
    access_key = Text(required=True, validate=checks.header_value)
    secret_key = SecretText(required=True, validate=checks.header_value)
    security_token = SecretText(validate=checks.header_value)


class MachineSection(Section):
    """Credentials: temporary keys of the machine that this runs on, which needs no telling."""

    kind = Text()


CREDENTIALS_SECTIONS = {
    "password": PasswordSection(),
    "token": TokenSection(),
    "aksk": KeySection(),
    "ecs_agency": MachineSection(),
    "pod_identity": MachineSection(),
}


class RegionSection(Section):
    """One region."""

    endpoint = Text(validate=checks.endpoint)
    project = Text(validate=checks.label)


class SwrSection(Section):
    """The section `swr`."""

    iam_endpoint = Text(required=True, validate=checks.endpoint)
    credentials = ByKind("kind", CREDENTIALS_SECTIONS)
    regions = Named(checks.region_name, Part(RegionSection), may_be_empty=False)


class AccessTokenSection(Section):
    """One token for the API."""

    name = Text(required=True, validate=checks.label)
    role = Text(required=True, validate=OneOf(ROLES))
    token = SecretText(required=True, validate=checks.token)


class AccessSection(Section):
    """The section `access`."""

    tokens = Items(Part(AccessTokenSection))
    metrics = Text(validate=OneOf(("token", "public")))


class Root(Section):
    """The whole file."""

    swr = Part(SwrSection, required=True)
    access = Part(AccessSection)
    sources = Named(checks.source_name, Part(SourceSection), may_be_empty=True)
    rules = Items(PlainPart(RuleSection), required=True)
    settings = Part(OptionsSection)
    defaults = Part(DefaultsSection)
