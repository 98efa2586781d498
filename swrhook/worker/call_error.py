"""What the error of a sync_images call means for one of its syncs.

SWR's answers do not say which side they are about. What was read before the call does.
"""

from dataclasses import replace

from swrhook.errors import Kind, SwrError
from swrhook.model import Lane, Sync
from swrhook.swr.error_codes import IMPOSSIBLE_REGION, NO_ORGANIZATION, is_absence
from swrhook.wording.message import say
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
        message = say(
            "%(region)s shows %(image)s, but sync_images says: %(message)s",
            region=lane.source_region,
            image=sync.image,
            message=error.message,
        )
        remedy = say(
            "nothing to do if it passes: it is tried again; otherwise push the image again"
        )
        return replace(error, kind=Kind.TRANSIENT, message=message, remedy=remedy)
    return replace(
        error,
        kind=Kind.CONFIGURATION,
        message=say(
            "%(region)s has no sync_images for %(image)s, which it shows: %(message)s",
            region=lane.source_region,
            image=sync.image,
            message=error.message,
        ),
        remedy=say(
            "check the endpoint of %(region)s in swr.regions, and whether SWR offers"
            " image synchronization there; then retry the sync",
            region=lane.source_region,
        ),
    )


def _missing_organization(error: SwrError, lane: Lane, *, is_at_source: bool) -> SwrError:
    """Return the error that names the organization; the source's may be missing, too, if unread."""
    region, namespace = lane.target.region, lane.target.namespace
    if is_at_source:
        return replace(
            error,
            kind=Kind.CONFIGURATION,
            message=say(
                "%(region)s has no organization %(namespace)s: %(message)s",
                region=region,
                namespace=namespace,
                message=error.message,
            ),
            remedy=say(
                "create the organization %(namespace)s in %(region)s, or name another one in the"
                " rule, then retry the sync",
                region=region,
                namespace=namespace,
            ),
        )
    source = say("%(namespace)s in %(region)s", namespace=lane.namespace, region=lane.source_region)
    return replace(
        error,
        message=say(
            "no organization %(source)s, or no %(namespace)s in %(region)s: %(message)s",
            source=source,
            namespace=namespace,
            region=region,
            message=error.message,
        ),
        remedy=say(
            "create the organization %(namespace)s in %(region)s, or correct the sender's `image`"
            " settings, which name %(source)s",
            namespace=namespace,
            region=region,
            source=source,
        ),
    )
