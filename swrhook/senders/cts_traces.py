"""CTS traces of SWR: what huawei-cts and huawei-eventgrid share.

The fields of a trace and the names of SWR's operations are documented
(https://docs.otc.t-systems.com/cloud-trace-service/umn/ and
https://support.huaweicloud.com/intl/en-us/usermanual-swr/swr_01_0084.html, read August 2026).
Where in a trace the image stands is not: it is looked for in the places below, and a push whose
image is in none of them is quarantined.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any

from swrhook.errors import Undecodable, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import payload

PUSHES = frozenset({"createImageTag", "uploadManifest", "postMultipartImagePackage"})

_NAMESPACE = ("namespace", "organization")
_REPOSITORY = ("repository", "repo", "repo_name")
_TAG = ("tag", "image_tag", "destination_tag", "reference")
_URL = ("url", "uri", "path")

# The registry's own route: PUT /v2/team/web/shop/manifests/v1
_REGISTRY = re.compile(r"/v2/(?P<name>[^\s?#]{1,512})/manifests/(?P<tag>[^\s/?#]{1,256})")
# The service's route: POST /v2/manage/namespaces/team/repos/web$shop/tags
_MANAGE = re.compile(r"/namespaces/(?P<namespace>[^\s/]{1,256})/repos/(?P<repo>[^\s/]{1,256})/tags")

_MILLISECONDS = 100_000_000_000  # these, in seconds, are the year 5138


def reading(traces: Iterable[tuple[Any, str | None]], skipped: Iterable[str] = ()) -> Reading:
    """Return what the traces announce, each with the event's id, or else its own.

    `skipped` are the reasons for what came with them and is no trace of SWR.
    Raises UnknownShape when no image is read and there is a trace that could not be.
    """
    read: list[Announcement | str] = [*skipped]
    unread: list[str] = []
    for trace, event_id in traces:
        try:
            read.append(_read(trace, event_id))
        except UnknownShape as exc:
            unread.append(str(exc))
    ids = [part.event_id for part in read if isinstance(part, Announcement)]
    if unread and not ids:
        raise UnknownShape("; ".join(payload.capped(unread)))
    return payload.reading([*read, *unread], external_id=next(iter(ids), None))


def _read(trace: Any, event_id: str | None) -> Announcement | str:  # noqa: ANN401
    """Return what one trace announces, or why it announces nothing."""
    operation = payload.text(trace, "trace_name")
    if operation is None:
        raise UnknownShape("a trace has no `trace_name`")
    if (service := payload.at(trace, "service_type")) != "SWR":
        return f"service {payload.shown(service)} is not SWR"
    if operation not in PUSHES:
        return f"operation {payload.shown(operation)} is not a push"
    if (rating := payload.at(trace, "trace_rating")) not in (None, "normal"):
        return f"rating {payload.shown(rating)}: the push failed"
    image = next(_images(trace), None)
    if image is None:
        raise UnknownShape(f"no image is found in a trace of {operation}")
    name, tag = image
    if ":" in tag:
        return f"{payload.shown(name)}: a push without a tag"
    return Announcement(
        name, tag, event_id=event_id or payload.text(trace, "trace_id"), pushed_at=_time(trace)
    )


def _images(trace: Any) -> Iterator[tuple[str, str]]:  # noqa: ANN401
    """Yield the name and tag from every place that has both."""
    request = _request(trace)
    resource = payload.text(trace, "resource_name") or ""
    lines = [request, *(payload.at(request, key) for key in _URL), resource]
    for line in lines:
        if isinstance(line, str) and (route := _REGISTRY.search(line)):
            yield route["name"], route["tag"]
    named = resource if payload.at(trace, "resource_type") == "imagetag" else None
    tag = _first(request, _TAG) or named
    for line in lines:
        if isinstance(line, str) and tag and (route := _MANAGE.search(line)):
            yield f"{route['namespace']}/{route['repo'].replace('$', '/')}", tag
    namespace, repository = _first(request, _NAMESPACE), _first(request, _REPOSITORY)
    if namespace and repository and tag:
        yield f"{namespace}/{repository}", tag
    whole = payload.reference(resource)
    if "/" in whole.name and whole.tag:
        yield whole.name, whole.tag


def _request(trace: Any) -> Any:  # noqa: ANN401
    """Return the request: an object, or a text that may hold one."""
    request = payload.at(trace, "request")
    if not isinstance(request, str):
        return request
    try:
        return payload.decode(request.encode(errors="replace"))
    except Undecodable:
        return request


def _first(document: Any, keys: Iterable[str]) -> str | None:  # noqa: ANN401
    return next((found for key in keys if (found := payload.text(document, key))), None)


def _time(trace: Any) -> datetime | None:  # noqa: ANN401
    """Return the trace's time; it counts in milliseconds."""
    value = payload.at(trace, "time")
    if isinstance(value, int) and abs(value) >= _MILLISECONDS:
        value = value // 1000
    return payload.moment({"time": value}, "time")
