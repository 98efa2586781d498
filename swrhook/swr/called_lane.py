"""Tells which lane a request to SWR calls sync_images for."""

import json
import re

from swrhook.model import Lane, Target

_CALL_PATH = re.compile(
    r"/v2/manage/namespaces/(?P<namespace>[^/]+)/repos/(?P<repository>[^/]+)/sync_images"
)


def called_lane(region: str, method: str, path: str, body: bytes) -> Lane | None:
    """Return the lane of a sync_images call to a region, None for another request."""
    match = _CALL_PATH.fullmatch(path) if method == "POST" else None
    if match is None:
        return None
    call = json.loads(body)
    target = Target(call["remoteRegionId"], call["remoteNamespace"])
    repository = match["repository"].replace("$", "/")
    return Lane(region, match["namespace"], repository, target, call["override"])
