"""The rows of the fault matrix: faults, and the requests that they hit."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from swrhook.simulator.model import IAM, Fault
from tests.factories import LANE

SOURCE, TARGET = LANE.source_region, LANE.target.region
FAULT_NAME = "the fault of this row"
_HIDDEN = Fault(region=TARGET, operation="namespaces", error="SVCSTG.SWR.4030170")


@dataclass(frozen=True, slots=True)
class Case:
    """A row: its title on the page, the fault, and the tags that are pushed."""

    title: str
    fault: Fault
    tags: Sequence[str] = ("v1",)
    # If False, the target lacks the organization, and listing organizations is forbidden.
    has_organization: bool = True
    times: int | None = None  # overrides that of the place


@dataclass(frozen=True, slots=True)
class Place:
    """A table: the requests that the faults of its rows hit."""

    title: str
    region: str
    operation: str
    cases: Sequence[Case]
    times: int = 2  # how often a temporary fault hits
    extra: Sequence[Fault] = ()  # faults without which the request would not be made

    def faults(self, case: Case, *, permanent: bool) -> Sequence[Fault]:
        """Return the faults to add to the simulator; that of the row is named FAULT_NAME."""
        times = None if permanent else case.times or self.times
        aimed = replace(case.fault, region=self.region, operation=self.operation)
        fault = replace(aimed, name=FAULT_NAME, times=times)
        return [fault, *self.extra, *([] if case.has_organization else [_HIDDEN])]


# What the network and proxies can do to any request.
_NETWORK = (
    Case("no answer until the client gives up", Fault(connection="hang")),
    Case("the connection is reset", Fault(connection="reset")),
    Case("a reset in the middle of the answer", Fault(connection="reset_midway")),
    Case("an answer that stops in the middle", Fault(connection="cut_short")),
    Case("the answer byte by byte", Fault(connection="drip", pause=0.0001)),
    Case("an answer after a pause", Fault(delay=0.02)),
    Case("502 with a proxy's HTML page", Fault(status=502)),
    Case("503 with `Retry-After: 30`", Fault(status=503, headers={"Retry-After": "30"})),
    Case("200 with an unrelated HTML page", Fault(status=200, body="<html>Welcome</html>")),
    Case("429 of the gateway", Fault(error="APIGW.0308")),
    Case("429 with `Retry-After: 120`", Fault(error="APIGW.0308", headers={"Retry-After": "120"})),
    Case("500 of the gateway", Fault(error="APIGW.0601")),
)
# What each of SWR's operations can answer.
_SWR = (
    *_NETWORK,
    Case("throttled as 403", Fault(error="SVCSTG.SWR.4031042")),
    Case("busy as 409", Fault(error="SVCSTG.SWR.4090023")),
    Case("all tokens are revoked", Fault(token_kill=True)),
    Case("the token is refused", Fault(error="APIGW.0307")),
    Case("a permission is missing", Fault(error="SVCSTG.SWR.4030170")),
    Case("the same, error as one object", Fault(error="SVCSTG.SWR.4030170", error_shape="object")),
    Case(
        "the same, error in an `errors` list",
        Fault(error="SVCSTG.SWR.4030170", error_shape="errors"),
    ),
    Case("the request is refused", Fault(error="SVCSTG.SWR.4000014")),
)
_IAM = (
    *(case for case in _NETWORK if not case.fault.error),
    Case("throttled", Fault(error="IAM.0012")),
    Case("500 of IAM", Fault(error="IAM.0006")),
    Case("the password is refused", Fault(error="IAM.0062")),
    Case("the account is locked", Fault(account_lock=True), times=1),
    Case("the user is disabled", Fault(error="IAM.0082")),
    Case("there is no such project", Fault(error="IAM.1109")),
    Case("login protection: 403 without a code", Fault(status=403)),
    Case("another service: 404 without a code", Fault(status=404)),
    Case(
        "401 that may mean the project", Fault(status=401, body={"error": {"code": 401}}), times=1
    ),
)
_READ = (
    *_SWR,
    Case("there is no such tag", Fault(error="SVCSTG.SWR.4040115")),
    Case("the digest is not shown", Fault(without_members=("digest",))),
    Case("no such operation: 404 without a code", Fault(status=404)),
    Case("no such operation: 405", Fault(status=405)),
    Case("no such operation: `APIGW.0101`", Fault(error="APIGW.0101")),
)
_LOST_ANSWERS = (
    ("carried out, then reset", Fault(effect="accepted", connection="reset")),
    ("carried out, then 502", Fault(effect="accepted", status=502)),
    ("carried out, then no answer", Fault(effect="accepted", connection="hang")),
)
_THREE_TAGS = ("v1", "v2", "v3")
_CALL = (
    *_SWR,
    *(Case(title, fault) for title, fault in _LOST_ANSWERS),
    Case("there is no such image yet", Fault(error="SVCSTG.SWR.4040113")),
    Case("there is no such organization", Fault(error="SVCSTG.SWR.4040058")),
    Case("404 without a code", Fault(status=404)),
    Case("409 without a code", Fault(status=409)),
    Case("the target region is unknown", Fault(error="SVCSTG.SWR.5001101")),
    Case("the quota is used up", Fault(error="SVCSTG.SWR.4000099")),
    Case("200 with an empty body", Fault(accepted_body="nothing")),
    Case("200 with a list of tags", Fault(accepted_body="tags")),
    Case(
        "one of three tags has failed, answered with 500", Fault(failed_tags=("v2",)), _THREE_TAGS
    ),
    Case(
        "one of three tags has failed, answered with 200",
        Fault(failed_tags=("v2",), status=200),
        _THREE_TAGS,
    ),
    Case("all tags have failed", Fault(failed_tags=("*",)), _THREE_TAGS),
    Case("three tags in a refused call", Fault(error="SVCSTG.SWR.4000014"), _THREE_TAGS),
    Case(
        "no organization, silently accepted",
        Fault(unknown_organization="accept"),
        has_organization=False,
    ),
    Case("no organization, refused", Fault(unknown_organization="refuse"), has_organization=False),
)
_JOB = (
    *(Case(f"the job ends `{end}`", Fault(job=end)) for end in ("failed", "timeout", "cancel")),
    Case("the job ends `existed`, with nothing there", Fault(job="existed")),
    Case("the job runs forever", Fault(job="never")),
    Case(
        "the job is reported as `success`, with nothing there",
        Fault(job="never", job_shown="success"),
    ),
    Case("the job fails and is not listed", Fault(job="failed", job_shown="hidden")),
    Case("the job is not listed", Fault(job_shown="hidden")),
    Case("the job is reported as `failed` but succeeded", Fault(job_shown="failed")),
    Case("the tag appears 15 minutes late", Fault(job_delay=900.0)),
)
# Jobs are read only when a tag is not at the target at the first read.
_LATE = (Fault(region=SOURCE, operation="sync_images", job_delay=30.0),)
_JOB_LIST = (
    *_SWR,
    Case("without `Content-Range`", Fault(without_headers=("Content-Range",))),
)


PLACES = {
    "iam": Place("IAM: the login", IAM, "tokens", _IAM),
    "source": Place("Reading the source", SOURCE, "tag", _READ),
    "call": Place("The call, `sync_images`", SOURCE, "sync_images", _CALL),
    "target": Place("Reading the target", TARGET, "tag", _READ),
    "job": Place("SWR's copy job", SOURCE, "sync_images", _JOB, times=1),
    "jobs": Place("The list of jobs, `sync_job`", SOURCE, "sync_job", _JOB_LIST, extra=_LATE),
}
