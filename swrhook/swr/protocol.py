"""SWR's management API: the requests we send, and what their answers say. Pure.

Source: SWR API reference, «Manually Synchronizing Images» (2025-08-06) and its neighbours.
"""

import json
import re
from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from http import HTTPStatus
from typing import Any
from urllib.parse import quote

from swrhook.errors import Kind, SwrError
from swrhook.model import Lane, Target
from swrhook.senders.payload import digest, text, timestamp
from swrhook.swr.error_codes import FOREIGN_CODES
from swrhook.swr.response import SwrResponse, document, failure, reported, unreadable
from swrhook.swr_names import is_namespace, is_repository, is_tag

PAGE = 100
FAILED_STATUSES = frozenset({"failed", "timeout", "cancel"})

REGIONS_PATH = "/v2/manage/regions"

_NAMESPACES = "/v2/manage/namespaces/"
_UNTOLD = (HTTPStatus.FORBIDDEN, HTTPStatus.NOT_FOUND)
_TOTAL = re.compile(r"[0-9]+-[0-9]+/([0-9]{1,9})", re.ASCII)


@dataclass(frozen=True, slots=True)
class TagPage:
    """One page of a repository's tags: how many it listed, and of how many if SWR says so."""

    digests: Mapping[str, str]
    count: int
    total: int | None


@dataclass(frozen=True, slots=True)
class Organization:
    """What we are in an organization: 7 manages, 3 edits, 1 reads; None where SWR does not say."""

    ours: bool
    auth: int | None = None


@dataclass(frozen=True, slots=True)
class Survey:
    """Where a region synchronizes to, and how far its clock is ahead of ours; None: untold."""

    reaches: frozenset[str] | None
    clock_ahead: timedelta | None


@dataclass(frozen=True, slots=True)
class SyncJob:
    """One tag on its way to a target, as SWR tells it; it never says why a job failed."""

    tag: str
    status: str
    target: Target
    created_at: datetime | None

    @property
    def failed(self) -> bool:
        """Tell whether the job has ended without the tag at its target."""
        return self.status in FAILED_STATUSES


def sync_images_request(lane: Lane, tags: Sequence[str]) -> tuple[str, bytes]:
    """Return the path and body that ask for these tags; members in the documented order."""
    body = {
        "imageTag": list(tags),
        "override": lane.override,
        "remoteNamespace": lane.target.namespace,
        "remoteRegionId": lane.target.region,
    }
    path = f"{_repository(lane.namespace, lane.repository)}/sync_images"
    return path, json.dumps(body, separators=(",", ":")).encode()


def tag_path(namespace: str, repository: str, tag: str) -> str:
    """Return the path of one tag. Raises SwrError for a name that SWR cannot hold."""
    if not is_tag(tag):
        raise _impossible(tag)
    return f"{_repository(namespace, repository)}/tags/{tag}"


def tags_path(namespace: str, repository: str, offset: int) -> str:
    """Return the path of one page of a repository's tags, the latest change first."""
    order = "order_column=updated_at&order_type=desc"
    return f"{_repository(namespace, repository)}/tags?limit={PAGE}&offset={offset}&{order}"


def sync_jobs_path(namespace: str, repository: str) -> str:
    """Return the path of the latest page of a repository's sync jobs."""
    # The filter is mandatory, and has to hold limit and offset; `|` is not allowed in a URL.
    wanted = quote(f"limit::{PAGE}|offset::0|order::desc", safe=":")
    return f"{_repository(namespace, repository)}/sync_job?filter={wanted}"


def namespace_path(namespace: str) -> str:
    """Return the path of an organization. Raises SwrError for a name that SWR cannot hold."""
    if not is_namespace(namespace):
        raise _impossible(namespace)
    return _NAMESPACES + namespace


def repositories_path(namespace: str) -> str:
    """Return the path of an organization's first repository. Raises SwrError for a wrong name."""
    if not is_namespace(namespace):
        raise _impossible(namespace)
    return f"/v2/manage/repos?namespace={namespace}&limit=1&offset=0"


def read_triggered(answer: SwrResponse, tags: Collection[str]) -> None:
    """Return when all tags were triggered. Raises SwrError, with the tags that failed if told.

    The list in a 200 says nothing about tags that are not in it: the documented example answers
    one tag with an empty list.
    """
    if not answer.ok:
        raise failure(answer, tags)
    if not answer.body.strip():
        return
    error = reported(answer, document(answer))  # which a proxy's page is not
    if error is not None:
        raise error


def read_digest(answer: SwrResponse, tag: str) -> str | None:
    """Return the digest in a ShowRepoTag answer; None when there is no such tag or repository."""
    if not _there(answer):
        return None
    found = document(answer)
    # One tag is told as `tag`, a list as `Tag`.
    if text(found, "tag") != tag and text(found, "Tag") != tag:
        raise unreadable(answer, f"it is not about the tag {tag}")
    held = digest(found, "digest")
    if held is None:
        raise unreadable(answer, f"it names no digest of the tag {tag}")
    return held


def read_tag_page(answer: SwrResponse) -> TagPage | None:
    """Return one page of tags; None when there is no such repository."""
    if not _there(answer):
        return None
    listed = _listed(answer)
    told = _TOTAL.fullmatch(answer.headers.get("content-range", "").strip())
    total = int(told[1]) if told else None
    digests = {
        name: held
        for item in listed
        if (name := text(item, "Tag")) and (held := digest(item, "digest"))
    }
    return TagPage(digests, len(listed), total)


def read_sync_jobs(answer: SwrResponse) -> list[SyncJob]:
    """Return one page of sync jobs; none when there is no such repository."""
    if not _there(answer):
        return []
    return [job for item in _listed(answer) if (job := _job(item))]


def read_namespace(answer: SwrResponse) -> bool:
    """Tell whether the organization is there and ours (or shared with us).

    False is certain. Where SWR says only that we may not look, SwrError is raised: a user may be
    allowed to push to an organization without being allowed to ask about it.
    """
    found = read_organization(answer)
    return found is not None and found.ours


def read_organization(answer: SwrResponse) -> Organization | None:
    """Return what we are in an organization, somebody else's too; None when there is none."""
    if not answer.ok:
        error = failure(answer)
        if error.code in FOREIGN_CODES:
            return Organization(ours=False)
        if error.kind is Kind.NOT_YET:
            return None
        raise error
    found = document(answer)
    if not text(found, "name"):
        raise unreadable(answer, "it names no organization")
    auth = found.get("auth")
    return Organization(ours=True, auth=auth if type(auth) is int else None)


def read_a_repository(answer: SwrResponse, namespace: str) -> str | None:
    """Return the first repository listed of this organization, or None."""
    if not _there(answer):
        return None
    listed = (
        text(item, "name") for item in _listed(answer) if text(item, "namespace") == namespace
    )
    return next((name for name in listed if name and is_repository(name)), None)


def read_survey(answer: SwrResponse) -> Survey:
    """Return what a region tells of itself; some tell nothing of where they synchronize to.

    Source: «Querying the List of Regions», which by some editions is open in a few regions only.
    """
    ahead = answer.clock_ahead
    if not answer.ok:
        error = failure(answer)
        # The gateway's 404 for an operation that it does not have is of kind configuration.
        if error.kind is Kind.NOT_YET or answer.status in _UNTOLD:
            return Survey(None, ahead)
        raise error
    names = (text(item, "regionID") for item in _listed(answer))
    return Survey(frozenset(name for name in names if name), ahead)


def refuses_credential(answer: SwrResponse) -> bool:
    """Tell whether another token or key might get another answer."""
    suspect = HTTPStatus.BAD_REQUEST <= answer.status < HTTPStatus.NOT_FOUND
    return suspect and failure(answer).kind is Kind.AUTHENTICATION


def _repository(namespace: str, repository: str) -> str:
    """Return a repository's path, with `$` for `/` as SWR wants it."""
    if not is_namespace(namespace):
        raise _impossible(namespace)
    if not is_repository(repository):
        raise _impossible(repository)
    return f"{_NAMESPACES}{namespace}/repos/{repository.replace('/', '$')}"


def _impossible(name: str) -> SwrError:
    """Return the error for a name outside SWR's grammar, so that none can change a path."""
    return SwrError(Kind.PERMANENT, "name", f"SWR can hold nothing named {name[:128]!r}")


def _there(answer: SwrResponse) -> bool:
    """Tell whether what was asked for exists. Raises SwrError when that is not the answer."""
    if answer.ok:
        return True
    error = failure(answer)
    if error.kind is Kind.NOT_YET:
        return False
    raise error


def _listed(answer: SwrResponse) -> Sequence[Any]:
    """Return the array in an answer; some lists come as null when they are empty."""
    found = document(answer)
    if found is not None and not isinstance(found, list):
        raise unreadable(answer, "it is not a list")
    listed: list[Any] = found or []
    return listed


def _job(item: Any) -> SyncJob | None:  # noqa: ANN401
    """Return one sync job, or None for what is not one."""
    tag, status = text(item, "tag"), text(item, "status")
    region, namespace = text(item, "remoteRegionId"), text(item, "remoteNamespace")
    if tag is None or status is None or region is None or namespace is None:
        return None
    return SyncJob(tag, status, Target(region, namespace), timestamp(item, "createdAt"))


def walk_tags(page_at: Callable[[int], TagPage | None]) -> Iterator[Mapping[str, str]]:
    """Yield the digests known after each page, to the end; nothing for no such repository.

    `page_at` asks for the page that begins at an offset.
    """
    digests: dict[str, str] = {}
    offset = 0
    while True:
        page = page_at(offset)
        # The last page is empty; one that only repeats comes from a server that cannot page.
        if page is None or page.digests.keys() <= digests.keys():
            return
        digests = {**page.digests, **digests}
        yield digests
        offset += page.count
        if page.total is not None and offset >= page.total:
            return
