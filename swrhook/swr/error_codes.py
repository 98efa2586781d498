"""The table of error codes of SWR, its API gateway and IAM: class, description and remedy.

A code takes precedence over the status: SWR throttles with 403, answers some "not found" with
400, and reports a wrong target region with 500. Codes that mean the same share a line. A `*` at
the end stands for every code that begins like this and has no line of its own. `docs/errors.md`
shows this table to operators.

Sources: "Error Codes" of the SWR API reference, of the IAM API reference and of API request
signing (APIG). Codes that these lack were seen in public clients.
"""

from dataclasses import dataclass
from functools import partial

from swrhook.errors import Kind
from swrhook.wording.message import say

WAIT = say("nothing to do: it is tried again")
SLOWER = say("nothing to do: it is tried again, slower; lower settings.pace if it happens often")
BUG = say("report it: swrhook should not have sent this request")
LOGIN = say("check user, domain and password (or the token, or the access key) in swr.credentials")
STALE = say(
    "if it persists, check swr.credentials, this machine's clock, and that the region's project"
    " belongs to its endpoint"
)
LOCKED = say(
    "the account is locked after too many wrong passwords: correct swr.credentials, or any"
    " other client that uses this user; swrhook tries again in half an hour"
)
DISABLED_USER = say("enable the IAM user and give it programmatic access, without login protection")
RIGHTS = say(
    "give the IAM user SWR rights in this region: swr:repo:createManualSyncRepoJob,"
    " swr:repo:download, swr:repo:upload and swr::createLoginSecret, or SWR FullAccess"
)
FOREIGN = say(
    "the organization or image belongs to someone else: names are unique in a region across"
    " all accounts; choose another organization, or get access to this one"
)
ORGANIZATION = say("create the organization in this region, or correct its name")
IMAGE = say("push the image to the source region's SWR, or correct its name")
NAME = say("correct the name: SWR allows no such organization, repository or tag")
TARGET = say("check the organization and region of the target")
ENDPOINT = say("check the region's endpoint in swr.regions")
PROJECT = say("check the region's project in swr.regions")
REGION = say(
    "if it persists, correct the target region: SWR answers this for a region that it"
    " does not know or does not synchronize to"
)
NO_SWR = say("SWR is not offered in this region: choose another")
SITE = say(
    "at a login, check iam_endpoint too: the IAM of another site answers this. Huawei Cloud's is"
    " iam.myhuaweicloud.com, its European site's iam.myhuaweicloud.eu, and partner clouds have"
    " their own (swr.cloud sets it). Otherwise give the IAM user SWR rights in this region"
)
PROTECTED_LOGIN = say(
    "the IAM user may have login protection or may log in from some addresses only: give it"
    " programmatic access without login protection, and check iam_endpoint, which may be another"
    " service's"
)
NO_IAM = say("this address is not IAM's: check iam_endpoint, or name the cloud in swr.cloud")
LIST_PROJECTS = say(
    "give the IAM user the right iam:projects:listProjects, or write the project's id in"
    " swr.regions (project_id; the console shows it under My Credentials)"
)
IAM_NAMES = say("check iam_endpoint, user and domain in swr, and the region's project")
QUOTA = say("delete what is not needed, or have the account's quota raised")
BROKEN_IMAGE = say(
    "push the image again; SWR refuses some formats, among them images with BuildKit's"
    " attestations (build with --provenance=false --sbom=false)"
)
ARREARS = say("check that the account is not in arrears and that OBS is enabled")
EXISTS = say(
    "the target holds another image under this name: set override in the rule to replace it"
)
ADDRESS = say("have this host's IP address allowed")
BATCH = say("lower settings.batch: the request is too large")
PROXY = say("check the user and password in the proxy's URL")
REDIRECT = say("redirects are not followed: check the endpoint in swr")
SEE_MESSAGE = say("the message says what is refused; if it does not, check the endpoint in swr")


@dataclass(frozen=True, slots=True)
class ErrorMeaning:
    """What some codes mean and what to do about them; without a kind, the status decides it."""

    kind: Kind | None
    description: str
    remedy: str = ""


_permanent = partial(ErrorMeaning, Kind.PERMANENT)
_not_yet = partial(ErrorMeaning, Kind.NOT_YET)
_transient = partial(ErrorMeaning, Kind.TRANSIENT)
_throttled = partial(ErrorMeaning, Kind.THROTTLED)
_authentication = partial(ErrorMeaning, Kind.AUTHENTICATION)
_configuration = partial(ErrorMeaning, Kind.CONFIGURATION)

_DEFAULT = _transient(say("failed for now"), WAIT)

_SWR = {
    # Authentication at SWR
    "4010000 4001048 4031043": _authentication(
        say("the token has expired, or SWR cannot read it"), STALE
    ),
    "4000031 4001013": _authentication(say("the access key is wrong or blank"), LOGIN),
    "5001076": _transient(say("SWR could not get a token for itself"), WAIT),
    # Permissions in SWR. Two come with 401, although another token would not help.
    "4011044 4011064 4039001": _configuration(
        say("the organization or image is another user's or account's"), FOREIGN
    ),
    "4039002 4037017 4037018 4037020 4030170 4031033 4001065 4001066": _configuration(
        say("the IAM user lacks a right"), RIGHTS
    ),
    # Limits of SWR
    "4031032 4031042": _throttled(say("too many requests"), SLOWER),
    "4090023": _transient(say("SWR is busy"), WAIT),
    "4000097 4000098 4000099 5007019": _configuration(
        say("the quota of organizations, images or tags is used up"), QUOTA
    ),
    "5070070": _configuration(say("SWR has no access to its storage (OBS)"), ARREARS),
    # Not found in SWR, or not yet
    "4040058 4041061": _not_yet(say("there is no such organization (yet)"), ORGANIZATION),
    "4040009 4040010 4040113 4040048 4040115 4041056 4041057 4041060 4041051 4040004": _not_yet(
        say("there is no such image, tag or part of it (yet)"), IMAGE
    ),
    "4001158 4000306 4001090 4040078 4040091 4040126": _not_yet(
        say("there is no such rule, permission or trigger"), WAIT
    ),
    "4040083": _configuration(say("the endpoint has no such address"), ENDPOINT),
    # Requests and images that SWR refuses
    "4001028 4009010 4001008 4001029 4009011 4009021 4001021 4000015 4000016": _permanent(
        say("SWR refuses the name of the organization, image or tag"), NAME
    ),
    "4000014 4001025": _permanent(say("SWR refuses the request"), TARGET),
    (
        "4001014 4001036 4001018 4001096 4000055 4000056 4001024 4001035 4001041 4001045 4001091"
    ): _permanent(say("a parameter of the request is missing or wrong"), BUG),
    "4131001": _permanent(say("the body of the request is too large"), BATCH),
    "4090006": _permanent(say("another image has this name already"), EXISTS),
    "4000013 4000028 4000029 4000047 4000064 4000065 4000066 4000067 4000068 4000069": _permanent(
        say("the image is broken, or of a format that SWR refuses"), BROKEN_IMAGE
    ),
    # Failures inside SWR
    "5000021 5000022": _transient(say("SWR could not copy the image's files"), WAIT),
    # Seen for a remoteRegionId that does not exist. A retry does not help then, but the code says
    # only "internal error", so the call is retried all the same.
    "5001101": _transient(say("SWR internal error, which may also mean an unknown region"), REGION),
    "4000045": _transient(say("SWR internal error, though the status is 400"), WAIT),
    "500*": _transient(say("SWR internal error"), WAIT),
    # Requests to SWR that swrhook never makes
    (
        "4009012 4009013 4009014 4009015 4009016 4009017 4009018 4009019 4009020 4009022 4009023"
        " 4006030 4006031 4046032"
    ): _permanent(say("about building images from source code"), BUG),
    (
        "4000039 4040043 4130025 4131012 4001000 4001003 4001004 4001005 4001006 4001009 4001010"
        " 4001011 4001015 4001016 4001019 4001022 4001023 4001027 4001030 4001037 4001067"
    ): _permanent(say("about uploading a package"), BUG),
    "4060074 4060012 4060053 4090060 4090076 4090089": _permanent(
        say("about making or deleting organizations, images or permissions"), BUG
    ),
}
# The API gateway in front of SWR
_GATEWAY = {
    "0101 0103": _configuration(say("the gateway knows no such address"), ENDPOINT),
    "0201": ErrorMeaning(
        None, say("the gateway could not pass the request on, or the answer back")
    ),
    "0301 0303 0305 0307 0311": _authentication(
        say("the gateway refuses the token or signature: expired, for another region, or wrong"),
        STALE,
    ),
    "0302 0304 0306 0802": _configuration(say("the IAM user may not call this"), RIGHTS),
    "0308": _throttled(say("too many requests"), SLOWER),
    "0310": _configuration(say("the project cannot be used"), PROJECT),
    "0401 0402 0404": _configuration(say("this address is not allowed"), ADDRESS),
    "0501": _configuration(say("the quota of calls is used up"), QUOTA),
    "0502": _configuration(say("the account is frozen"), ARREARS),
    "0602": _permanent(say("the gateway does not understand the request"), BUG),
    "0607": _configuration(say("http where https is required, or the reverse"), ENDPOINT),
    "0613": _transient(say("IAM does not answer the gateway"), WAIT),
    "0801": _configuration(say("SWR is not offered in this region"), NO_SWR),
    "0104 0105 0106": _transient(say("the gateway is configured wrongly"), WAIT),
    "06* 07*": _transient(say("gateway internal error"), WAIT),
}
# Some of these come with 403, but are about the login: every sync needs it, so none is given up as
# rejected.
_IAM = {
    "0001 0062 0063 0064 0066 0067": _authentication(say("IAM refuses the login"), LOGIN),
    "0061": _authentication(say("the account is locked"), LOCKED),
    "0080 0081 0082": _authentication(
        say("the IAM user is disabled, or has console access only"), DISABLED_USER
    ),
    "1104 1105 1106 1107": _authentication(
        say("the access key is blocked, expired, inactive or unknown"), LOGIN
    ),
    "1108": _authentication(say("the temporary access key has expired"), STALE),
    "0002": _configuration(say("the IAM user lacks a right, or is unknown at this site"), SITE),
    "0003 0083": _configuration(say("the IAM user lacks a right"), RIGHTS),
    "0004 0007 0011 0072 0073 1109": _configuration(
        say("IAM finds no such user, domain or project"), IAM_NAMES
    ),
    "0012": _throttled(say("too many logins"), SLOWER),
    "0006": _transient(say("IAM internal error"), WAIT),
    "0020": _transient(say("IAM is moving to another region"), WAIT),
    "0009 1101 1102 1103": _permanent(say("a part of the request is missing or wrong"), BUG),
    "0005 0008 0010 0077": _permanent(say("about managing IAM itself"), BUG),
}
# Codes without a common prefix: one of SWR, and those of IAM that are numbers
_OTHER = {
    "SVCSTG.S2I.4019000": _authentication(say("no token reached SWR"), STALE),
    "1101 1103": _authentication(say("wrong user or password"), LOGIN),
    "11*": _permanent(say("about managing IAM users"), BUG),
}
# The status, for a response without a code, or with one that has no line
_STATUSES = {
    "401": _authentication(say("not authenticated"), STALE),
    "403": _configuration(say("not permitted"), RIGHTS),
    "404": _not_yet(say("not there (yet)"), IMAGE),
    "405": _configuration(say("the endpoint has no such operation"), ENDPOINT),
    "407": _configuration(say("the proxy requires authentication"), PROXY),
    "409": _transient(say("it conflicts with something that SWR does at the moment"), WAIT),
    "413": _permanent(say("the request is too large"), BATCH),
    "429": _throttled(say("too many requests"), SLOWER),
    "408 425": _transient(say("the request came too slowly or too early"), WAIT),
    "507": _configuration(say("the storage is full or not accessible"), ARREARS),
    "3*": _transient(say("a redirect, which is not followed"), REDIRECT),
    "4*": _permanent(say("refused"), SEE_MESSAGE),
    "*": _DEFAULT,
}

# SWR is overloaded, though the status is 409. The call may have been carried out all the same.
BUSY = frozenset({"SVCSTG.SWR.4090023"})
# The response for a target region that does not exist, and for some failures inside SWR.
IMPOSSIBLE_REGION = "SVCSTG.SWR.5001101"
# The endpoint has no such operation. Not every region has every one.
NO_OPERATION = frozenset({"APIGW.0101", "APIGW.0103", "SVCSTG.SWR.4040083", "HTTP.405"})
# There is no such organization, at the source or at the target.
NO_ORGANIZATION = frozenset({"SVCSTG.SWR.4040058", "SVCSTG.SWR.4041061"})
# The organization exists and belongs to another account.
FOREIGN_CODES = frozenset({"SVCSTG.SWR.4039001", "SVCSTG.SWR.4011064"})

# A response without a code gets this prefix and its status as the code.
_STATUS = "HTTP."
_SERVICES = {"SVCSTG.SWR.": _SWR, "APIGW.": _GATEWAY, "IAM.": _IAM, "": _OTHER, _STATUS: _STATUSES}
TABLE = {
    tuple(f"{prefix}{number}" for number in numbers.split()): meaning
    for prefix, meanings in _SERVICES.items()
    for numbers, meaning in meanings.items()
}
_BY_CODE = {code: meaning for codes, meaning in TABLE.items() for code in codes}
_MAX_CODE_LENGTH = max(map(len, _BY_CODE))


def find_meaning(code: str) -> ErrorMeaning | None:
    """Return the line for a code: its own, or that of its longest known prefix, or None."""
    lengths = range(min(len(code), _MAX_CODE_LENGTH), -1, -1)
    keys = (code, *(f"{code[:length]}*" for length in lengths))
    return next((_BY_CODE[key] for key in keys if key in _BY_CODE), None)


def is_absence(code: str) -> bool:
    """Return whether a code is SWR's own for an organization, image or tag that does not exist."""
    meaning = find_meaning(code)
    return code.startswith("SVCSTG.SWR.") and meaning is not None and meaning.kind is Kind.NOT_YET


def classify(code: str, status: int) -> tuple[Kind, str]:
    """Return the kind and the remedy of an error, by its code first, then by its status."""
    by_status = find_meaning(f"{_STATUS}{status}") or _DEFAULT
    by_code = find_meaning(code) or by_status
    return by_code.kind or by_status.kind or Kind.TRANSIENT, by_code.remedy or by_status.remedy


def describe(code: str) -> str:
    """Return the description of a service's own code; empty for an unknown code or a status."""
    meaning = None if code.startswith(_STATUS) else find_meaning(code)
    return meaning.description if meaning else ""
