"""Reads SWR's rules of automatic synchronization. Pure functions.

Source: SWR API reference, "Querying Automatic Image Synchronization Tasks".
"""

from swrhook.model import Target
from swrhook.senders.payload import text
from swrhook.swr.protocol import exists, read_list, repository_path
from swrhook.swr.response import SwrResponse
from swrhook.syncs.auto_sync import AutoSync


def auto_syncs_path(namespace: str, repository: str) -> str:
    """Return the path of a repository's rules. Raises SwrError for a name SWR does not allow."""
    return f"{repository_path(namespace, repository)}/sync_repo"


def read_auto_syncs(response: SwrResponse) -> list[AutoSync]:
    """Return a repository's rules that copy by themselves; none when it does not exist."""
    if not exists(response):
        return []
    return [
        AutoSync(Target(region, namespace), override=item.get("override") is True)
        for item in read_list(response)
        if (region := text(item, "remoteRegionId"))
        and (namespace := text(item, "remoteNamespace"))
        and item.get("syncAuto") is not False
    ]
