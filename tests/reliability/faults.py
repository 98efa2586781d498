"""The rows of the fault matrix: what goes wrong, and where."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from swrhook.simulator.model import IAM, Fault
from tests.ledger.parts import LANE

SOURCE, TARGET = LANE.source_region, LANE.target.region
STRIKES = "the trouble"
_HIDDEN = Fault(region=TARGET, operation="namespaces", error="SVCSTG.SWR.4030170")


@dataclass(frozen=True, slots=True)
class Trouble:
    """A row: what the page calls it, what happens to a call or a tag, and which tags are pushed."""

    words: str
    fault: Fault
    tags: Sequence[str] = ("v1",)
    is_organized: bool = True  # the target has the organization, or we may not look for it
    times: int | None = None  # other than its place's


@dataclass(frozen=True, slots=True)
class Place:
    """A table: where the troubles of its rows strike."""

    title: str
    region: str
    operation: str
    troubles: Sequence[Trouble]
    times: int = 2  # a short-lived fault strikes so often
    besides: Sequence[Fault] = ()  # without which nothing would be asked there

    def faults(self, trouble: Trouble, *, for_good: bool) -> Sequence[Fault]:
        """Return what is put into the simulator; the trouble itself is called so."""
        times = None if for_good else trouble.times or self.times
        where = replace(trouble.fault, region=self.region, operation=self.operation)
        fault = replace(where, name=STRIKES, times=times)
        return [fault, *self.besides, *([] if trouble.is_organized else [_HIDDEN])]


# Whatever is asked, the network and the proxies on the way can do this to it.
_ON_THE_WAY = (
    Trouble("no answer until the client gives up", Fault(connection="hang")),
    Trouble("the connection is reset", Fault(connection="reset")),
    Trouble("a reset in the middle of the answer", Fault(connection="reset_midway")),
    Trouble("an answer that stops in the middle", Fault(connection="cut_short")),
    Trouble("slow bytes", Fault(connection="drip", pause=0.0001)),
    Trouble("an answer after a pause", Fault(delay=0.02)),
    Trouble("502 with a proxy's HTML page", Fault(status=502)),
    Trouble("503 with `Retry-After: 30`", Fault(status=503, headers={"Retry-After": "30"})),
    Trouble("200 with a page of something else", Fault(status=200, body="<html>Welcome</html>")),
    Trouble("429 of the gateway", Fault(error="APIGW.0308")),
    Trouble(
        "429 with `Retry-After: 120`", Fault(error="APIGW.0308", headers={"Retry-After": "120"})
    ),
    Trouble("500 of the gateway", Fault(error="APIGW.0601")),
)
# Each of SWR's operations can answer this.
_OF_SWR = (
    *_ON_THE_WAY,
    Trouble("throttled under 403", Fault(error="SVCSTG.SWR.4031042")),
    Trouble("busy, under 409", Fault(error="SVCSTG.SWR.4090023")),
    Trouble("every token ends", Fault(token_kill=True)),
    Trouble("the token is refused", Fault(error="APIGW.0307")),
    Trouble("a right is lacking", Fault(error="SVCSTG.SWR.4030170")),
    Trouble("the same as one object", Fault(error="SVCSTG.SWR.4030170", error_shape="object")),
    Trouble("the same under `errors`", Fault(error="SVCSTG.SWR.4030170", error_shape="errors")),
    Trouble("the request is not taken", Fault(error="SVCSTG.SWR.4000014")),
)
_OF_IAM = (
    *(t for t in _ON_THE_WAY if not t.fault.error),
    Trouble("throttled", Fault(error="IAM.0012")),
    Trouble("500 of IAM", Fault(error="IAM.0006")),
    Trouble("the password is refused", Fault(error="IAM.0062")),
    Trouble("the account is locked", Fault(account_lock=True), times=1),
    Trouble("the user is disabled", Fault(error="IAM.0082")),
    Trouble("there is no such project", Fault(error="IAM.1109")),
)
_OF_A_LOOK = (
    *_OF_SWR,
    Trouble("there is no such tag", Fault(error="SVCSTG.SWR.4040115")),
)
_NOT_HEARD = (
    ("carried out, then reset", Fault(effect="accepted", connection="reset")),
    ("carried out, then 502", Fault(effect="accepted", status=502)),
    ("carried out, then no answer", Fault(effect="accepted", connection="hang")),
)
_THREE = ("v1", "v2", "v3")
_OF_A_CALL = (
    *_OF_SWR,
    *(Trouble(words, fault) for words, fault in _NOT_HEARD),
    Trouble("there is no such image yet", Fault(error="SVCSTG.SWR.4040113")),
    Trouble("the target region is not known", Fault(error="SVCSTG.SWR.5001101")),
    Trouble("the quota is used up", Fault(error="SVCSTG.SWR.4000099")),
    Trouble("200 with nothing", Fault(accepted_body="nothing")),
    Trouble("200 with a list of tags", Fault(accepted_body="tags")),
    Trouble("one of three tags has failed, under 500", Fault(failed_tags=("v2",)), _THREE),
    Trouble(
        "one of three tags has failed, under 200", Fault(failed_tags=("v2",), status=200), _THREE
    ),
    Trouble("all tags have failed", Fault(failed_tags=("*",)), _THREE),
    Trouble("three tags in a call that is not taken", Fault(error="SVCSTG.SWR.4000014"), _THREE),
    Trouble(
        "no organization, accepted in silence",
        Fault(unknown_organization="accept"),
        is_organized=False,
    ),
    Trouble("no organization, refused", Fault(unknown_organization="refuse"), is_organized=False),
)
_OF_JOBS = (
    *(Trouble(f"the job ends `{end}`", Fault(job=end)) for end in ("failed", "timeout", "cancel")),
    Trouble("the job ends `existed`, with nothing there", Fault(job="existed")),
    Trouble("the job runs for ever", Fault(job="never")),
    Trouble("the job fails and is not listed", Fault(job="failed", job_shown="hidden")),
    Trouble("the job is not listed", Fault(job_shown="hidden")),
    Trouble("the job is shown `failed`, and was not", Fault(job_shown="failed")),
    Trouble("the tag comes 15 minutes late", Fault(job_delay=900.0)),
)
# Jobs are asked for when a tag is not at the target at the first look.
_LATE = (Fault(region=SOURCE, operation="sync_images", job_delay=30.0),)
_OF_LISTED_JOBS = (
    *_OF_SWR,
    Trouble("without `Content-Range`", Fault(without_headers=("Content-Range",))),
)


PLACES = {
    "iam": Place("IAM: the login", IAM, "tokens", _OF_IAM),
    "source": Place("The look at the source", SOURCE, "tag", _OF_A_LOOK),
    "call": Place("The call, `sync_images`", SOURCE, "sync_images", _OF_A_CALL),
    "target": Place("The look at the target", TARGET, "tag", _OF_A_LOOK),
    "job": Place("What SWR makes of the call", SOURCE, "sync_images", _OF_JOBS, times=1),
    "jobs": Place(
        "The list of jobs, `sync_job`", SOURCE, "sync_job", _OF_LISTED_JOBS, besides=_LATE
    ),
}
