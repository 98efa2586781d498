"""Requests to SWR's management API, and the parsing of its responses. Pure functions.

Those about tags are in `tags`.

Source: SWR API reference, "Manually Synchronizing Images" (2025-08-06) and its neighbours.
"""

import json
from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from urllib.parse import quote

from swrhook.errors import Kind, SwrError
from swrhook.model import Lane, Target
from swrhook.senders.payload import Json, text, timestamp
from swrhook.swr.error_codes import FOREIGN_CODES
from swrhook.swr.response import (
    SwrResponse,
    decode_json,
    malformed_response,
    read_error,
    read_error_in_success,
)
from swrhook.swr_names import is_namespace, is_repository
from swrhook.wording.message import say

PAGE_SIZE = 100
REGIONS_PATH = "/v2/manage/regions"

# The gateway's 404 for an operation that it does not have is of kind configuration.
_NOT_OFFERED = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)


@dataclass(frozen=True, slots=True)
class Organization:
    """Our access to an organization.

    `auth` is 7 for manage, 3 for edit, 1 for read; None when SWR does not report it.
    """

    ours: bool
    auth: int | None = None


@dataclass(frozen=True, slots=True)
class RegionInfo:
    """The regions that a region can synchronize to, and how far its clock is ahead of ours.

    Each is None when SWR does not report it.
    """

    sync_targets: frozenset[str] | None
    clock_ahead: timedelta | None


@dataclass(frozen=True, slots=True)
class SyncJob:
    """SWR's job that copies one tag to a target; it never contains why a job failed."""

    tag: str
    status: str
    target: Target
    created_at: datetime | None
    updated_at: datetime | None = None


def sync_images_request(lane: Lane, tags: Sequence[str]) -> tuple[str, bytes]:
    """Return path and body of a sync_images call, its members in the documented order."""
    body = {
        "imageTag": list(tags),
        "override": lane.override,
        "remoteNamespace": lane.target.namespace,
        "remoteRegionId": lane.target.region,
    }
    path = f"{repository_path(lane.namespace, lane.repository)}/sync_images"
    return path, json.dumps(body, separators=(",", ":")).encode()


def sync_jobs_path(namespace: str, repository: str) -> str:
    """Return the path of the latest page of a repository's sync jobs."""
    # The filter is mandatory and must hold limit and offset; `|` is not allowed in a URL.
    query = quote(f"limit::{PAGE_SIZE}|offset::0|order::desc", safe=":")
    return f"{repository_path(namespace, repository)}/sync_job?filter={query}"


def namespace_path(namespace: str) -> str:
    """Return the path of an organization. Raises SwrError for a name that SWR does not allow."""
    return f"/v2/manage/namespaces/{checked_name(namespace, is_namespace)}"


def repositories_path(namespace: str, limit: int = 1) -> str:
    """Return the path of an organization's first repositories. Raises SwrError for its name."""
    name = checked_name(namespace, is_namespace)
    return f"/v2/manage/repos?namespace={name}&limit={limit}&offset=0"


def check_triggered(response: SwrResponse, tags: Collection[str]) -> None:
    """Raise SwrError unless SWR has triggered all tags; with the failed tags, if it lists them.

    The list in a 200 says nothing about tags that are not in it: the documented example answers
    one tag with an empty list.
    """
    if not response.ok:
        raise read_error(response, tags)
    if not response.body.strip():
        return
    # A proxy's HTML page with status 200 has triggered nothing: decode_json refuses it.
    error = read_error_in_success(response, decode_json(response))
    if error is not None:
        raise error


def check_deleted(response: SwrResponse) -> None:
    """Raise SwrError unless the object is gone."""
    exists(response)


def read_sync_jobs(response: SwrResponse) -> list[SyncJob]:
    """Return one page of sync jobs; empty when the repository does not exist."""
    if not exists(response):
        return []
    return [job for item in read_list(response) if (job := _read_job(item))]


def read_organization(response: SwrResponse) -> Organization | None:
    """Return our access to an organization, of any account; None when it does not exist."""
    if not response.ok:
        error = read_error(response)
        if error.code in FOREIGN_CODES:
            return Organization(ours=False)
        if error.kind is Kind.NOT_YET:
            return None
        raise error
    content = decode_json(response)
    if not text(content, "name"):
        raise malformed_response(response, say("it contains no organization"))
    auth = content.get("auth")
    return Organization(ours=True, auth=auth if type(auth) is int else None)


def read_repositories(response: SwrResponse, namespace: str) -> Sequence[str]:
    """Return the repositories of the organization in a list; none if it does not exist."""
    if not exists(response):
        return ()
    # The filter in the query is not relied on: a name may go into the paths of further requests.
    names = (
        text(item, "name") for item in read_list(response) if text(item, "namespace") == namespace
    )
    return [name for name in names if name and is_repository(name)]


def read_region_info(response: SwrResponse) -> RegionInfo:
    """Return a region's sync targets, where SWR offers this operation, and its clock offset.

    Source: "Querying the List of Regions", which by some editions is open in a few regions only.
    """
    if not exists(response, _NOT_OFFERED):
        return RegionInfo(None, response.clock_ahead)
    names = (text(item, "regionID") for item in read_list(response))
    return RegionInfo(frozenset(filter(None, names)), response.clock_ahead)


def refuses_credential(response: SwrResponse) -> bool:
    """Tell whether the request may succeed with another token or key."""
    # SWR reports an expired token with 400, 401 or 403; other statuses are not parsed here,
    # for this runs on every response.
    may_refuse = HTTPStatus.BAD_REQUEST <= response.status < HTTPStatus.NOT_FOUND
    return may_refuse and read_error(response).kind is Kind.AUTHENTICATION


def repository_path(namespace: str, repository: str) -> str:
    """Return a repository's path, in which SWR spells `/` as `$`."""
    name = checked_name(repository, is_repository).replace("/", "$")
    return f"{namespace_path(namespace)}/repos/{name}"


def checked_name(name: str, is_valid: Callable[[str], bool]) -> str:
    """Return a name that may become part of a path. Raises SwrError when SWR does not allow it."""
    if is_valid(name):
        return name
    raise SwrError(Kind.PERMANENT, "name", f"SWR does not allow the name {name[:128]!r}")


def exists(response: SwrResponse, absent: Collection[int] = ()) -> bool:
    """Tell whether the requested object exists, which it does not with a status in `absent`.

    Raises SwrError for every other error.
    """
    if response.ok:
        return True
    error = read_error(response)
    if error.kind is Kind.NOT_YET or response.status in absent:
        return False
    raise error


def read_list(response: SwrResponse) -> Sequence[Json]:
    """Return the array in a response. Raises SwrError when it has none."""
    return as_list(response, decode_json(response))


def as_list(response: SwrResponse, content: Json) -> Sequence[Json]:
    """Return an array of a response; SWR sends some empty ones as null. Raises SwrError."""
    if content is not None and not isinstance(content, list):
        raise malformed_response(response, say("it is not a list"))
    items: list[Json] = content or []
    return items


def _read_job(item: Json) -> SyncJob | None:
    """Return one sync job, or None for an element that is not one."""
    tag, status = text(item, "tag"), text(item, "status")
    region, namespace = text(item, "remoteRegionId"), text(item, "remoteNamespace")
    if tag is None or status is None or region is None or namespace is None:
        return None
    times = (timestamp(item, "createdAt"), timestamp(item, "updatedAt"))
    return SyncJob(tag, status, Target(region, namespace), *times)
