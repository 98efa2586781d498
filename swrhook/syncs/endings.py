"""The errors of syncs that end without a refusal by SWR: what to do is in their remedies."""

from swrhook.errors import NOTHING_TO_DO, Kind, SwrError
from swrhook.model import Sync

_RETRY_REMEDY = "swrhook has stopped trying: retry it when SWR answers again"
READ_RIGHTS = (
    "give the IAM user the right to read the organization's images, or look there with another user"
)


def missing_at_source(sync: Sync) -> SwrError:
    """Return the error of a sync whose tag never appeared at the source."""
    region = sync.lane.source_region
    return SwrError(
        Kind.NOT_YET,
        "source_missing",
        f"{sync.image} never appeared in {region}",
        remedy=f"push the image to SWR in {region}, or correct the sender's `image` settings, which"
        " name it there; then retry the sync",
    )


def missing_at_target(sync: Sync, reason: str) -> SwrError:
    """Return the error of a sync whose tag did not appear at the target."""
    lane = sync.lane
    return SwrError(
        Kind.PERMANENT,
        "target_missing",
        f"{sync.image} is not in {lane.target} after {sync.attempts} calls: {reason}",
        remedy=f"SWR accepted the calls and copied nothing: check the organization, its quota and"
        f" the IAM user's right to push in {lane.target}, and the image itself; the console of"
        f" {lane.source_region} lists the synchronizations; then retry the sync",
    )


def diverged(sync: Sync, message: str) -> SwrError:
    """Return the error of a sync whose target holds another digest."""
    target = sync.lane.target
    if sync.lane.override:
        remedy = (
            f"SWR did not replace the tag in {target}: check the IAM user's right to push there;"
            " then retry the sync"
        )
    else:
        remedy = (
            f"decide which image is right. To replace the one in {target}, set override for this"
            f" target in the rule {sync.rule}, or delete the tag there; then retry the sync. To"
            " keep it, there is nothing to do: swrhook never overwrites it without override"
        )
    return SwrError(Kind.PERMANENT, "diverged", message, remedy=remedy)


def invisible_at_target(sync: Sync) -> SwrError:
    """Return the error of a sync whose job succeeded, while the target shows no such tag."""
    target = sync.lane.target
    return SwrError(
        Kind.CONFIGURATION,
        "not_visible",
        f"SWR's job for {sync.image} succeeded, but {target} shows no such tag",
        remedy=f"the IAM user may lack the right to see it: {READ_RIGHTS} in {target}; then retry"
        " the sync",
    )


def unproven(sync: Sync) -> SwrError:
    """Return the error of a sync whose digest cannot be compared with the source's."""
    region, namespace = sync.lane.source_region, sync.lane.namespace
    return SwrError(
        Kind.CONFIGURATION,
        "not_comparable",
        f"the tag is in {sync.lane.target}, but the source's digest is not known",
        remedy=f"the IAM user cannot read {region}/{namespace}: {READ_RIGHTS}; then retry the sync",
    )


def worker_lost(reason: str) -> SwrError:
    """Return the error of a sync during whose calls the process ended again and again."""
    return SwrError(
        Kind.TRANSIENT,
        "worker_lost",
        reason,
        remedy="the process ends during this sync's calls: look for the cause in its log and in"
        " the system's (memory, kills); then retry the sync",
    )


def final_error(error: SwrError) -> SwrError:
    """Return the error of a sync that was given up, with a remedy that an operator can act on."""
    if error.remedy and not error.remedy.startswith(NOTHING_TO_DO):
        return error
    return SwrError(error.kind, error.code, error.message, remedy=_RETRY_REMEDY)
