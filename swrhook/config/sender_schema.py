"""The schema of `senders`."""

from collections.abc import Callable, Mapping
from functools import partial

from marshmallow import Schema, ValidationError, fields, validates_schema

from swrhook.auth import SCHEMES, Scheme
from swrhook.auth.hmac_signature import ALGORITHMS, ENCODINGS
from swrhook.config import validators
from swrhook.config.fields import (
    Duration,
    Flag,
    Network,
    OneOf,
    OptionalText,
    RateField,
    Text,
    WholeNumber,
)
from swrhook.config.nodes import Data
from swrhook.config.sections import ByKind, Named, OneOrMore, Part, SecretWithExpiry, Section
from swrhook.dialects import DIALECTS

# A field for each argument of the functions in swrhook.auth. A scheme may require it or not.
ARGUMENTS: Mapping[str, Callable[..., fields.Field[Data]]] = {
    "header": partial(Text, validate=validators.header_name),
    "secrets": partial(OneOrMore, SecretWithExpiry()),
    "username": partial(Text, validate=validators.user_name),
    "algorithm": partial(Text, validate=OneOf(ALGORITHMS)),
    "encoding": partial(Text, validate=OneOf(ENCODINGS)),
    "prefix": OptionalText,
    "signed": Flag,
    "tolerance": partial(Duration, "1s"),
    "topic_arns": partial(OneOrMore, Text(validate=validators.topic_arn)),
    "topic_urns": partial(OneOrMore, Text(validate=validators.topic_urn)),
    "audience": partial(Text, validate=validators.claim),
    "email": partial(Text, validate=validators.claim),
    "issuer": partial(Text, validate=validators.issuer),
    "claims": partial(Named, validators.claim, OneOrMore(Text()), may_be_empty=False),
}
# Checks of a scheme for its secrets.
_SECRETS = {
    "gitlab": validators.gitlab_secret,
    "path": validators.path_secret,
    "standard-webhooks": validators.signing_secret,
}


def _scheme_section(kind: str, scheme: Scheme) -> Schema:
    arguments = {name: ARGUMENTS[name]() for name in scheme.required + scheme.optional}
    for name in scheme.required:
        arguments[name].required = True
    if kind in _SECRETS:
        arguments["secrets"] = OneOrMore(SecretWithExpiry(_SECRETS[kind]), required=True)
    if scheme.confirm is not None:
        arguments["confirm"] = Flag()
    if "secrets" in arguments:
        arguments["allow_weak"] = Flag()
    return Section.from_dict({"scheme": Text(required=True), **arguments})()


AUTH_SECTIONS = {name: _scheme_section(name, scheme) for name, scheme in SCHEMES.items()}


class ImageSection(Section):
    """`image`: how a sender's names become SWR's."""

    strip_prefix = OptionalText()
    namespace = Text(validate=validators.organization)
    default_namespace = Text(validate=validators.organization)


_EXPRESSION = Text(validate=validators.expression)


class MappingSection(Section):
    """`mapping`: where the dialect of this name finds images in a sender's JSON."""

    image = OneOrMore(_EXPRESSION)
    namespace = OneOrMore(_EXPRESSION)
    repository = OneOrMore(_EXPRESSION)
    tag = OneOrMore(_EXPRESSION)
    digest = OneOrMore(_EXPRESSION)
    id = OneOrMore(_EXPRESSION)
    when = OneOrMore(_EXPRESSION)

    @validates_schema
    def _check_names(self, data: Mapping[str, Data], **_: Data) -> None:
        if len({"image", "repository"} & data.keys()) != 1:
            raise ValidationError('must have one of "image" and "repository"')
        if "image" in data and "namespace" in data:
            raise ValidationError(
                'namespace is only for "repository": an image includes its namespace'
            )


class AllowSection(Section):
    """`allow`: what a sender may do."""

    namespaces = OneOrMore(Text(validate=validators.organization_pattern), required=True)


class SenderSection(Section):
    """One sender."""

    dialect = Text(required=True, validate=OneOf(DIALECTS))
    region = Text(required=True)
    auth = ByKind("scheme", AUTH_SECTIONS)
    image = Part(ImageSection)
    mapping = Part(MappingSection)
    allow_unauthenticated = Flag()
    rate_limit = RateField()
    max_images = WholeNumber(1, 50_000)
    max_open = WholeNumber(1, 1_000_000)
    allow_from = OneOrMore(Network())
    allow = Part(AllowSection)
    expect_every = Duration("1m")
