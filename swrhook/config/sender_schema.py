"""The schema of `senders`."""

from collections.abc import Callable, Mapping

from marshmallow import Schema, ValidationError, fields, validates_schema

from swrhook.auth import SCHEMES, Scheme
from swrhook.auth.hmac_signature import ALGORITHMS, ENCODINGS
from swrhook.config import validators
from swrhook.config.fields import (
    Check,
    Duration,
    Flag,
    Network,
    OneOf,
    OptionalText,
    RateField,
    Text,
    at_least,
)
from swrhook.config.nodes import Data
from swrhook.config.sections import ByKind, Named, OneOrMore, Part, SecretWithExpiry, Section
from swrhook.dialects import DIALECTS

_Argument = Callable[[bool], fields.Field[Data]]
# A field for each argument of the functions in swrhook.auth. A scheme may require it or not.
ARGUMENTS: Mapping[str, _Argument] = {
    "header": lambda required: Text(required=required, validate=validators.header_name),
    "secrets": lambda required: OneOrMore(SecretWithExpiry(), required=required),
    "username": lambda required: Text(required=required, validate=validators.user_name),
    "algorithm": lambda required: Text(required=required, validate=OneOf(ALGORITHMS)),
    "encoding": lambda required: Text(required=required, validate=OneOf(ENCODINGS)),
    "prefix": lambda required: OptionalText(required=required),
    "signed": lambda required: Flag(required=required),
    "tolerance": lambda required: Duration(required=required, validate=at_least("1s")),
    "topic_arns": lambda required: _topics(validators.topic_arn, required=required),
    "topic_urns": lambda required: _topics(validators.topic_urn, required=required),
    "audience": lambda required: Text(required=required, validate=validators.claim),
    "email": lambda required: Text(required=required, validate=validators.claim),
    "issuer": lambda required: Text(required=required, validate=validators.issuer),
    "claims": lambda _required: Named(validators.claim, OneOrMore(Text()), may_be_empty=False),
}
# Checks of a scheme for its secrets.
_SECRETS: Mapping[str, Check] = {
    "gitlab": validators.gitlab_secret,
    "path": validators.path_secret,
    "standard-webhooks": validators.signing_secret,
}


def _topics(check: Check, *, required: bool) -> fields.Field[Data]:
    return OneOrMore(Text(validate=check), required=required)


def _scheme_section(kind: str, scheme: Scheme) -> Schema:
    arguments: dict[str, fields.Field[Data]] = {"scheme": Text()}
    for name in scheme.required:
        arguments[name] = ARGUMENTS[name](True)  # noqa: FBT003  # a column of the table above
    for name in scheme.optional:
        arguments[name] = ARGUMENTS[name](False)  # noqa: FBT003
    if kind in _SECRETS:
        arguments["secrets"] = OneOrMore(SecretWithExpiry(_SECRETS[kind]), required=True)
    if scheme.confirm is not None:
        arguments["confirm"] = Flag()
    return Section.from_dict(arguments)()


AUTH_SECTIONS = {name: _scheme_section(name, scheme) for name, scheme in SCHEMES.items()}


class ImageSection(Section):
    """`image`: how a sender's names become SWR's."""

    strip_prefix = OptionalText()
    namespace = Text(validate=validators.organization)
    default_namespace = Text(validate=validators.organization)


def _expressions() -> OneOrMore:
    return OneOrMore(Text(validate=validators.expression))


class MappingSection(Section):
    """`mapping`: where the dialect of this name finds images in a sender's JSON."""

    image = _expressions()
    namespace = _expressions()
    repository = _expressions()
    tag = _expressions()
    digest = _expressions()
    id = _expressions()
    when = _expressions()

    @validates_schema
    def _check_names(self, data: Mapping[str, Data], **_: Data) -> None:
        if len({"image", "repository"} & data.keys()) != 1:
            raise ValidationError('must have one of "image" and "repository"')
        if "image" in data and "namespace" in data:
            raise ValidationError(
                'namespace is only for "repository": an image includes its namespace'
            )


class SenderSection(Section):
    """One sender."""

    dialect = Text(required=True, validate=OneOf(DIALECTS))
    region = Text(required=True)
    auth = ByKind("scheme", AUTH_SECTIONS)
    image = Part(ImageSection)
    mapping = Part(MappingSection)
    allow_unauthenticated = Flag()
    rate_limit = RateField()
    allow_from = OneOrMore(Network())
    expect_every = Duration(validate=at_least("1m"))
