"""Reads SWR's rules of automatic synchronization. Pure functions.

Source: SWR API reference, "Querying Automatic Image Synchronization Tasks".
"""

from swrhook.errors import Kind
from swrhook.model import Target
from swrhook.senders.payload import text
from swrhook.swr.protocol import repository_path
from swrhook.swr.response import SwrResponse, decode_json, malformed_response, read_error
from swrhook.syncs.auto_sync import AutoSync
from swrhook.wording.message import say


def auto_syncs_path(namespace: str, repository: str) -> str:
    """Return the path of a repository's rules. Raises SwrError for a name SWR does not allow."""
    return f"{repository_path(namespace, repository)}/sync_repo"


def read_auto_syncs(response: SwrResponse) -> list[AutoSync]:
    """Return a repository's rules that copy by themselves; none when it does not exist."""
    if not response.ok:
        error = read_error(response)
        if error.kind is Kind.NOT_YET:
            return []
        raise error
    content = decode_json(response)
    if content is not None and not isinstance(content, list):
        raise malformed_response(response, say("it is not a list"))
    return [
        AutoSync(Target(region, namespace), override=item.get("override") is True)
        for item in content or ()
        if (region := text(item, "remoteRegionId"))
        and (namespace := text(item, "remoteNamespace"))
        and item.get("syncAuto") is not False
    ]
