"""What each error code of SWR, of the gateway before it and of IAM means for us, and the remedy.

A code decides before the status does: SWR throttles with 403, answers some «not found» with 400,
and dresses a wrong target region as a 500. A meaning whose kind is None leaves the kind to the
status (the gateway uses one code with several statuses) and only adds the remedy.

Sources: «Error Codes» of the SWR API reference, of the IAM API reference and of API request
signing (APIG); codes that the published tables lack are marked with who has seen them.
"""

from dataclasses import dataclass

from swrhook.errors import Kind

_PERMANENT = Kind.PERMANENT
_NOT_YET = Kind.NOT_YET
_TRANSIENT = Kind.TRANSIENT
_THROTTLED = Kind.THROTTLED
_AUTHENTICATION = Kind.AUTHENTICATION
_CONFIGURATION = Kind.CONFIGURATION

# What an operator is told to do. One sentence for all codes that have the same cure.
_WAIT = "nothing to do: it is tried again"
_SLOWER = "nothing to do: it is tried again, slower; lower settings.pace if it happens often"
_BUG = "report it: swrhook should not have sent this request"
LOGIN = "check user, domain and password (or the token) in swr.credentials"
_STALE = (
    "if it persists, check swr.credentials, and that the region's project belongs to its endpoint"
)
_USER = "enable the IAM user and give it programmatic access, without login protection"
_RIGHTS = (
    "give the IAM user SWR rights in this region: swr:repo:createManualSyncRepoJob,"
    " swr:repo:download, swr:repo:upload and swr::createLoginSecret, or SWR FullAccess"
)
_FOREIGN = (
    "the organization or image belongs to someone else: names are unique in a region across"
    " all accounts; choose another organization, or get rights in this one"
)
_ORGANIZATION = "create the organization in this region, or correct its name"
_IMAGE = "push the image to the source region's SWR, or correct its name"
_NAME = "correct the name: SWR allows no such organization, repository or tag"
_ENDPOINT = "check the region's endpoint in swr.regions"
IAM_NAMES = "check iam_endpoint, user and domain in swr, and the region's project"
_QUOTA = "delete what is not needed, or have the account's quota raised"
_BROKEN_IMAGE = (
    "push the image again; SWR refuses some formats, among them images with BuildKit's"
    " attestations (build with --provenance=false --sbom=false)"
)
_ARREARS = "check that the account is not in arrears and that OBS is enabled"
_EXISTS = "the target holds another image under this name: set override in the rule to replace it"
_ADDRESS = "have this host's IP address allowed"


@dataclass(frozen=True, slots=True)
class Meaning:
    """What to do about an error; without a kind, the status decides it."""

    kind: Kind | None
    remedy: str = ""


CODES: dict[str, Meaning] = {
    # SWR: who we are
    "SVCSTG.SWR.4010000": Meaning(_AUTHENTICATION, _STALE),  # token expired
    "SVCSTG.SWR.4001048": Meaning(_AUTHENTICATION, _STALE),  # 400: failed to obtain the token
    "SVCSTG.SWR.4031043": Meaning(_AUTHENTICATION, _STALE),  # 403: invalid JWT
    "SVCSTG.SWR.4000031": Meaning(_AUTHENTICATION, LOGIN),  # 400: invalid AK/SK
    "SVCSTG.SWR.4001013": Meaning(_AUTHENTICATION, LOGIN),  # 400: AK and SK are blank
    "SVCSTG.S2I.4019000": Meaning(_AUTHENTICATION, _STALE),  # no token found
    "SVCSTG.SWR.5001076": Meaning(_TRANSIENT, _WAIT),  # SWR's own service token
    # SWR: what we may do. Two are 401 though no other token would help.
    "SVCSTG.SWR.4011044": Meaning(_CONFIGURATION, _FOREIGN),  # 401: another user's image
    "SVCSTG.SWR.4011064": Meaning(_CONFIGURATION, _FOREIGN),  # 401: another account's
    "SVCSTG.SWR.4039001": Meaning(_CONFIGURATION, _FOREIGN),
    "SVCSTG.SWR.4039002": Meaning(_CONFIGURATION, _RIGHTS),
    "SVCSTG.SWR.4037017": Meaning(_CONFIGURATION, _RIGHTS),
    "SVCSTG.SWR.4037018": Meaning(_CONFIGURATION, _RIGHTS),
    "SVCSTG.SWR.4037020": Meaning(_CONFIGURATION, _RIGHTS),
    "SVCSTG.SWR.4030170": Meaning(_CONFIGURATION, _RIGHTS),  # seen in public code
    "SVCSTG.SWR.4031033": Meaning(_CONFIGURATION, _RIGHTS),  # «unavailable request»
    "SVCSTG.SWR.4001065": Meaning(_CONFIGURATION, _RIGHTS),
    "SVCSTG.SWR.4001066": Meaning(_CONFIGURATION, _RIGHTS),
    # SWR: how much, and when
    "SVCSTG.SWR.4031032": Meaning(_THROTTLED, _SLOWER),  # 403: too many requests
    "SVCSTG.SWR.4031042": Meaning(_THROTTLED, _SLOWER),  # 403: too many requests
    "SVCSTG.SWR.4090023": Meaning(_TRANSIENT, _WAIT),  # 409: the system is busy
    "SVCSTG.SWR.4000097": Meaning(_CONFIGURATION, _QUOTA),  # organizations
    "SVCSTG.SWR.4000098": Meaning(_CONFIGURATION, _QUOTA),  # images
    "SVCSTG.SWR.4000099": Meaning(_CONFIGURATION, _QUOTA),  # tags
    "SVCSTG.SWR.5007019": Meaning(_CONFIGURATION, _QUOTA),  # images, as a 500
    "SVCSTG.SWR.5070070": Meaning(_CONFIGURATION, _ARREARS),
    # SWR: what is not there, or not yet
    "SVCSTG.SWR.4040058": Meaning(_NOT_YET, _ORGANIZATION),
    "SVCSTG.SWR.4041061": Meaning(_NOT_YET, _ORGANIZATION),
    "SVCSTG.SWR.4040009": Meaning(_NOT_YET, _IMAGE),  # image list
    "SVCSTG.SWR.4040010": Meaning(_NOT_YET, _IMAGE),
    "SVCSTG.SWR.4040113": Meaning(_NOT_YET, _IMAGE),
    "SVCSTG.SWR.4040048": Meaning(_NOT_YET, _IMAGE),  # tag
    "SVCSTG.SWR.4040115": Meaning(_NOT_YET, _IMAGE),  # tag
    "SVCSTG.SWR.4041056": Meaning(_NOT_YET, _IMAGE),  # tag
    "SVCSTG.SWR.4041057": Meaning(_NOT_YET, _IMAGE),  # tag list
    "SVCSTG.SWR.4041060": Meaning(_NOT_YET, _IMAGE),  # manifest
    "SVCSTG.SWR.4041051": Meaning(_NOT_YET, _IMAGE),  # layer
    "SVCSTG.SWR.4001158": Meaning(_NOT_YET),  # 400: sync rule (vendor's Terraform provider)
    "SVCSTG.SWR.4000306": Meaning(_NOT_YET),  # 400: retention policy (the same)
    "SVCSTG.SWR.4001090": Meaning(_NOT_YET),  # 400: shared account (the same)
    "SVCSTG.SWR.4040083": Meaning(_CONFIGURATION, _ENDPOINT),  # 404: no such URL
    # SWR: what is wrong with the request or the image
    "SVCSTG.SWR.4001028": Meaning(_PERMANENT, _NAME),
    "SVCSTG.SWR.4009010": Meaning(_PERMANENT, _NAME),
    "SVCSTG.SWR.4001008": Meaning(_PERMANENT, _NAME),
    "SVCSTG.SWR.4001029": Meaning(_PERMANENT, _NAME),
    "SVCSTG.SWR.4009011": Meaning(_PERMANENT, _NAME),
    "SVCSTG.SWR.4009021": Meaning(_PERMANENT, _NAME),
    "SVCSTG.SWR.4001021": Meaning(_PERMANENT, _NAME),  # the tag is blank
    "SVCSTG.SWR.4000014": Meaning(_PERMANENT, "check the organization and region of the target"),
    "SVCSTG.SWR.4001025": Meaning(_PERMANENT, "check the organization and region of the target"),
    "SVCSTG.SWR.4001014": Meaning(_PERMANENT, _BUG),  # mandatory parameters
    "SVCSTG.SWR.4001036": Meaning(_PERMANENT, _BUG),  # parameters are lost
    "SVCSTG.SWR.4001018": Meaning(_PERMANENT, _BUG),  # type of the body
    "SVCSTG.SWR.4001096": Meaning(_PERMANENT, _BUG),  # order column (seen in public code)
    "SVCSTG.SWR.4131001": Meaning(_PERMANENT, "lower settings.batch: the body is too large"),
    "SVCSTG.SWR.4090006": Meaning(_PERMANENT, _EXISTS),
    "SVCSTG.SWR.4000028": Meaning(_PERMANENT, _BROKEN_IMAGE),
    "SVCSTG.SWR.4000064": Meaning(_PERMANENT, _BROKEN_IMAGE),
    "SVCSTG.SWR.4000065": Meaning(_PERMANENT, _BROKEN_IMAGE),
    "SVCSTG.SWR.4000066": Meaning(_PERMANENT, _BROKEN_IMAGE),
    "SVCSTG.SWR.4000067": Meaning(_PERMANENT, _BROKEN_IMAGE),
    "SVCSTG.SWR.4000068": Meaning(_PERMANENT, _BROKEN_IMAGE),
    "SVCSTG.SWR.4000069": Meaning(_PERMANENT, _BROKEN_IMAGE),
    # SWR: what goes wrong inside it
    "SVCSTG.SWR.5000021": Meaning(_TRANSIENT, _WAIT),  # failed to synchronize files
    "SVCSTG.SWR.5000022": Meaning(_TRANSIENT, _WAIT),  # failed to synchronize meta files
    # Seen in public code for a remoteRegionId that does not exist: a fault that waiting does not
    # cure, but the code says only «internal error», so it is tried again all the same.
    "SVCSTG.SWR.5001101": Meaning(
        _TRANSIENT,
        "if it persists, correct the target region: SWR answers so when it does not know it or"
        " does not synchronize to it",
    ),
    # The gateway before SWR
    "APIGW.0101": Meaning(_CONFIGURATION, _ENDPOINT),
    "APIGW.0103": Meaning(_CONFIGURATION, _ENDPOINT),
    "APIGW.0106": Meaning(None, _WAIT),  # orchestration error
    "APIGW.0201": Meaning(None),  # 400, 413, 414, 494, 502 and 504
    "APIGW.0301": Meaning(_AUTHENTICATION, _STALE),
    "APIGW.0303": Meaning(_AUTHENTICATION, _STALE),
    "APIGW.0305": Meaning(_AUTHENTICATION, _STALE),
    "APIGW.0307": Meaning(_AUTHENTICATION, _STALE),  # expired, or another region's
    "APIGW.0311": Meaning(_AUTHENTICATION, _STALE),
    "APIGW.0302": Meaning(_CONFIGURATION, _RIGHTS),
    "APIGW.0304": Meaning(_CONFIGURATION, _RIGHTS),
    "APIGW.0306": Meaning(_CONFIGURATION, _RIGHTS),
    "APIGW.0308": Meaning(_THROTTLED, _SLOWER),
    "APIGW.0310": Meaning(_CONFIGURATION, "check the region's project in swr.regions"),
    "APIGW.0401": Meaning(_CONFIGURATION, _ADDRESS),
    "APIGW.0402": Meaning(_CONFIGURATION, _ADDRESS),
    "APIGW.0404": Meaning(_CONFIGURATION, _ADDRESS),
    "APIGW.0501": Meaning(_CONFIGURATION, _QUOTA),
    "APIGW.0502": Meaning(_CONFIGURATION, _ARREARS),
    "APIGW.0607": Meaning(_CONFIGURATION, _ENDPOINT),  # http or https
    "APIGW.0613": Meaning(_TRANSIENT, _WAIT),  # IAM is down
    "APIGW.0801": Meaning(_CONFIGURATION, "SWR is not offered in this region: choose another"),
    "APIGW.0802": Meaning(_CONFIGURATION, _RIGHTS),
    # IAM
    "IAM.0001": Meaning(_AUTHENTICATION, LOGIN),
    "IAM.0061": Meaning(
        _AUTHENTICATION,
        "the account is locked after too many wrong passwords: unlock it, and set a new password",
    ),
    "IAM.0062": Meaning(_AUTHENTICATION, LOGIN),
    "IAM.0063": Meaning(_AUTHENTICATION, LOGIN),
    "IAM.0064": Meaning(_AUTHENTICATION, LOGIN),
    "IAM.0066": Meaning(_AUTHENTICATION, LOGIN),  # token expired
    "IAM.0067": Meaning(_AUTHENTICATION, LOGIN),  # token invalid
    "1101": Meaning(_AUTHENTICATION, LOGIN),  # 400: invalid user name
    "1103": Meaning(_AUTHENTICATION, LOGIN),  # 400: incorrect password
    # 403, yet about who we are: all of the account's syncs wait for it, none is given up.
    "IAM.0080": Meaning(_AUTHENTICATION, _USER),
    "IAM.0081": Meaning(_AUTHENTICATION, _USER),
    "IAM.0082": Meaning(_AUTHENTICATION, _USER),
    "IAM.0002": Meaning(_CONFIGURATION, _RIGHTS),
    "IAM.0003": Meaning(_CONFIGURATION, _RIGHTS),
    "IAM.0083": Meaning(_CONFIGURATION, _RIGHTS),
    "IAM.0004": Meaning(_CONFIGURATION, IAM_NAMES),
    "IAM.0007": Meaning(_CONFIGURATION, IAM_NAMES),
    "IAM.0011": Meaning(_CONFIGURATION, IAM_NAMES),
    "IAM.0072": Meaning(_CONFIGURATION, IAM_NAMES),
    "IAM.0073": Meaning(_CONFIGURATION, IAM_NAMES),
    "IAM.1109": Meaning(_CONFIGURATION, IAM_NAMES),  # no such project
    "IAM.0012": Meaning(_THROTTLED, _SLOWER),
    "IAM.0020": Meaning(_TRANSIENT, _WAIT),  # 410: authentication fails over
    "IAM.0006": Meaning(_TRANSIENT, _WAIT),
}

_STATUSES: dict[int, Meaning] = {
    401: Meaning(_AUTHENTICATION, _STALE),
    403: Meaning(_CONFIGURATION, _RIGHTS),
    404: Meaning(_NOT_YET, _IMAGE),
    407: Meaning(_CONFIGURATION, "the proxy wants to know who we are: check its URL"),
    408: Meaning(_TRANSIENT, _WAIT),
    413: Meaning(_PERMANENT, "lower settings.batch: the request is too large"),
    425: Meaning(_TRANSIENT, _WAIT),
    429: Meaning(_THROTTLED, _SLOWER),
    507: Meaning(_CONFIGURATION, _ARREARS),
}
_REDIRECTION = Meaning(_TRANSIENT, "nothing is followed: check the endpoint in swr")
_REQUEST = Meaning(_PERMANENT)
_SERVER = Meaning(_TRANSIENT, _WAIT)

# The organization exists, and is not ours.
FOREIGN = frozenset({"SVCSTG.SWR.4039001", "SVCSTG.SWR.4011064"})


def meaning(code: str, status: int) -> tuple[Kind, str]:
    """Return what to do about an answer and the remedy, by its code first, then its status."""
    by_code, by_status = CODES.get(code), _by_status(status)
    kind = (by_code.kind if by_code else None) or by_status.kind or _TRANSIENT
    return kind, (by_code.remedy if by_code else "") or by_status.remedy


def _by_status(status: int) -> Meaning:
    """Return what a status means when no code says more."""
    if status in _STATUSES:
        return _STATUSES[status]
    if 300 <= status < 400:  # noqa: PLR2004  # what statuses begin with
        return _REDIRECTION
    return _REQUEST if 400 <= status < 500 else _SERVER  # noqa: PLR2004
