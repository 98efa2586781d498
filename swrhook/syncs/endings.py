"""The errors of syncs that end without a refusal by SWR: what to do is in their remedies."""

from swrhook.errors import NOTHING_TO_DO, Kind, SwrError
from swrhook.model import Sync
from swrhook.wording.message import say, say_count

_RETRY_REMEDY = say("swrhook has stopped trying: retry it when SWR answers again")
ALREADY_THERE = say("the target already had the source's digest")
NOT_COMPARED = say("the tag is at the target, but the source cannot be read to compare digests")
NOT_SHOWN = say("SWR's job succeeded, but the target shows no such tag")
READ_RIGHTS = say(
    "give the IAM user the right to read the organization's images, or look there with another user"
)


def missing_at_source(sync: Sync) -> SwrError:
    """Return the error of a sync whose tag never appeared at the source."""
    region = sync.lane.source_region
    return SwrError(
        Kind.NOT_YET,
        "source_missing",
        say("%(image)s never appeared in %(region)s", image=sync.image, region=region),
        remedy=say(
            "push the image to SWR in %(region)s, or correct the sender's `image` settings, which"
            " name it there; then retry the sync",
            region=region,
        ),
    )


def missing_at_target(sync: Sync, reason: str) -> SwrError:
    """Return the error of a sync whose tag did not appear at the target."""
    lane = sync.lane
    return SwrError(
        Kind.PERMANENT,
        "target_missing",
        say_count(
            "%(image)s is not in %(target)s after %(count)s call: %(reason)s",
            "%(image)s is not in %(target)s after %(count)s calls: %(reason)s",
            sync.attempts,
            image=sync.image,
            target=str(lane.target),
            reason=reason,
        ),
        remedy=say(
            "SWR accepted the calls and copied nothing: check the organization, its quota and"
            " the IAM user's right to push in %(target)s, and the image itself; the console of"
            " %(region)s lists the synchronizations; then retry the sync",
            target=str(lane.target),
            region=lane.source_region,
        ),
    )


def diverged(sync: Sync, message: str) -> SwrError:
    """Return the error of a sync whose target holds another digest."""
    target = str(sync.lane.target)
    if sync.lane.override:
        remedy = say(
            "SWR did not replace the tag in %(target)s: check the IAM user's right to push there;"
            " then retry the sync",
            target=target,
        )
    else:
        remedy = say(
            "decide which image is right. To replace the one in %(target)s, set override for this"
            " target in the rule %(rule)s, or delete the tag there; then retry the sync. To"
            " keep it, there is nothing to do: swrhook never overwrites it without override",
            target=target,
            rule=sync.rule,
        )
    return SwrError(Kind.PERMANENT, "diverged", message, remedy=remedy)


def invisible_at_target(sync: Sync) -> SwrError:
    """Return the error of a sync whose job succeeded, while the target shows no such tag."""
    target = str(sync.lane.target)
    return SwrError(
        Kind.CONFIGURATION,
        "not_visible",
        say(
            "SWR's job for %(image)s succeeded, but %(target)s shows no such tag",
            image=sync.image,
            target=target,
        ),
        remedy=say(
            "the IAM user may lack the right to see it: %(rights)s in %(target)s; then retry"
            " the sync",
            rights=READ_RIGHTS,
            target=target,
        ),
    )


def unproven(sync: Sync) -> SwrError:
    """Return the error of a sync whose digest cannot be compared with the source's."""
    place = f"{sync.lane.source_region}/{sync.lane.namespace}"
    return SwrError(
        Kind.CONFIGURATION,
        "not_comparable",
        say(
            "the tag is in %(target)s, but the source's digest is not known",
            target=str(sync.lane.target),
        ),
        remedy=say(
            "the IAM user cannot read %(place)s: %(rights)s; then retry the sync",
            place=place,
            rights=READ_RIGHTS,
        ),
    )


def worker_lost(reason: str) -> SwrError:
    """Return the error of a sync during whose calls the process ended again and again."""
    return SwrError(
        Kind.TRANSIENT,
        "worker_lost",
        reason,
        remedy=say(
            "the process ends during this sync's calls: look for the cause in its log and in"
            " the system's (memory, kills); then retry the sync"
        ),
    )


def final_error(error: SwrError) -> SwrError:
    """Return the error of a sync that was given up, with a remedy that an operator can act on."""
    if error.remedy and not error.remedy.startswith(NOTHING_TO_DO):
        return error
    return SwrError(error.kind, error.code, error.message, remedy=_RETRY_REMEDY)
