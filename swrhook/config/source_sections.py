"""What a source may say: `sources` in swrhook.yaml."""

from collections.abc import Callable, Mapping

from marshmallow import Schema, fields

from swrhook.auth import SCHEMES, Scheme
from swrhook.auth.signed import ALGORITHMS, ENCODINGS
from swrhook.config import checks
from swrhook.config.containers import ByKind, Later, OneOrMore, Part, SecretWithEnd, Section
from swrhook.config.fields import Flag, Prefix, Text, one_of
from swrhook.config.tree import Data
from swrhook.dialects import DIALECTS

LATER_SCHEMES = (
    "standard-webhooks", "github", "gitlab", "jfrog", "nexus", "sns", "smn", "google-oidc", "oidc",
)  # fmt: skip
LATER_DIALECTS = (
    "dockerhub", "quay", "github", "gitea", "gitlab", "acr", "gcr", "ecr", "sns", "jfrog", "nexus",
    "zot", "aliyun", "tencent", "huawei-cts", "huawei-eventgrid", "huawei-smn", "huawei-swr-ee",
    "cdevents", "cloudevents", "tekton", "buildkite", "circleci", "drone", "mapping",
)  # fmt: skip

_Argument = Callable[[bool], fields.Field[Data]]
# The arguments of the functions in swrhook.auth, by name; each is told whether it is required.
ARGUMENTS: Mapping[str, _Argument] = {
    "header": lambda required: Text(required=required, validate=checks.header_name),
    "secrets": lambda required: OneOrMore(SecretWithEnd(), required=required),
    "username": lambda required: Text(required=required, validate=checks.user_name),
    "algorithm": lambda required: Text(required=required, validate=one_of(ALGORITHMS)),
    "encoding": lambda required: Text(required=required, validate=one_of(ENCODINGS)),
    "prefix": lambda required: Prefix(required=required),
}


def _scheme_section(scheme: Scheme) -> Schema:
    arguments: dict[str, fields.Field[Data]] = {"scheme": Text()}
    for name in scheme.required:
        arguments[name] = ARGUMENTS[name](True)  # noqa: FBT003  # a column of the table above
    for name in scheme.optional:
        arguments[name] = ARGUMENTS[name](False)  # noqa: FBT003
    if scheme.takes_path_secret:
        arguments["secrets"] = OneOrMore(SecretWithEnd(checks.path_secret), required=True)
    return Section.from_dict(arguments)()


AUTH_SECTIONS = {name: _scheme_section(scheme) for name, scheme in SCHEMES.items()}


class ImageSection(Section):
    """`image`: how a sender's names become SWR's."""

    strip_prefix = Prefix()
    namespace = Text(validate=checks.organization)
    default_namespace = Text(validate=checks.organization)


class SourceSection(Section):
    """One source."""

    dialect = Text(
        required=True, validate=one_of(DIALECTS, [d for d in LATER_DIALECTS if d not in DIALECTS])
    )
    region = Text(required=True)
    auth = ByKind("scheme", AUTH_SECTIONS, [s for s in LATER_SCHEMES if s not in SCHEMES])
    image = Part(ImageSection)
    allow_unauthenticated = Flag()
    rate_limit = Later()
    allow_from = Later()
    expect_every = Later()
