"""What the error of a sync_images call means for one of its syncs.

SWR's answers do not say which side they are about. What was read before the call does.
"""

from dataclasses import replace

from swrhook.errors import NOTHING_TO_DO, Kind, SwrError
from swrhook.model import Lane, Sync
from swrhook.swr.error_codes import IMPOSSIBLE_REGION, NO_ORGANIZATION, is_absence
from swrhook.worker.target_cache import impossible_region

# SWR answers with the same error code for an impossible region and for an internal error. If it
# does not list its regions either, the region counts as impossible after this many failures.
MAX_ATTEMPTS = 10


def refine_call_error(
    error: SwrError | None, sync: Sync, *, is_possible: bool | None
) -> SwrError | None:
    """Return a call's error, if any, as what it means for a sync.

    `is_possible` says whether the source synchronizes to the target's region, None if unknown.
    """
    if error is None:
        return None
    if error.kind is Kind.NOT_YET:
        return _refine_absence(error, sync)
    if error.code != IMPOSSIBLE_REGION or is_possible:
        return error
    if is_possible is None and sync.failures + 1 < MAX_ATTEMPTS:
        return error
    return impossible_region(sync.lane)


def _refine_absence(error: SwrError, sync: Sync) -> SwrError:
    """Return what "not found" means: it cannot mean a tag that the source has just shown."""
    lane, is_at_source = sync.lane, sync.called_digest is not None
    if error.code in NO_ORGANIZATION:
        return _missing_organization(error, lane, is_at_source=is_at_source)
    if not is_at_source:
        return error
    if is_absence(error.code) or error.failed_tags:
        message = f"{lane.source_region} shows {sync.image}, but sync_images says: {error.message}"
        remedy = f"{NOTHING_TO_DO} if it passes: it is tried again; otherwise push the image again"
        return replace(error, kind=Kind.TRANSIENT, message=message, remedy=remedy)
    message = f"{lane.source_region} has no sync_images for {sync.image}, which it shows"
    return replace(
        error,
        kind=Kind.CONFIGURATION,
        message=f"{message}: {error.message}",
        remedy=f"check the endpoint of {lane.source_region} in swr.regions, and whether SWR offers"
        " image synchronization there; then retry the sync",
    )


def _missing_organization(error: SwrError, lane: Lane, *, is_at_source: bool) -> SwrError:
    """Return the error that names the organization; the source's may be missing, too, if unread."""
    region, namespace = lane.target.region, lane.target.namespace
    if is_at_source:
        return replace(
            error,
            kind=Kind.CONFIGURATION,
            message=f"{region} has no organization {namespace}: {error.message}",
            remedy=f"create the organization {namespace} in {region}, or name another one in the"
            " rule, then retry the sync",
        )
    source = f"{lane.namespace} in {lane.source_region}"
    return replace(
        error,
        message=f"no organization {source}, or no {namespace} in {region}: {error.message}",
        remedy=f"create the organization {namespace} in {region}, or correct the sender's `image`"
        f" settings, which name {source}",
    )
