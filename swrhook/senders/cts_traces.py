"""Read CTS (Cloud Trace Service) audit traces of SWR, for huawei-cts and huawei-eventgrid.

The fields of a trace and the names of SWR's operations are documented
(https://docs.otc.t-systems.com/cloud-trace-service/umn/ and
https://support.huaweicloud.com/intl/en-us/usermanual-swr/swr_01_0084.html, read August 2026).
Which field holds the image is not documented. The code searches several fields, and a push without
an image in any of them is quarantined.
"""

import re
from collections.abc import Iterable, Iterator
from datetime import datetime

from swrhook.errors import Undecodable, UnknownShape
from swrhook.model import Announcement, Reading
from swrhook.senders import payload
from swrhook.wording.message import say

PUSHES = frozenset({"createImageTag", "uploadManifest", "postMultipartImagePackage"})

_NAMESPACE = ("namespace", "organization")
_REPOSITORY = ("repository", "repo", "repo_name")
_TAG = ("tag", "image_tag", "destination_tag", "reference")
_URL = ("url", "uri", "path")

# The registry's own route: PUT /v2/team/web/shop/manifests/v1
_REGISTRY_ROUTE = re.compile(r"/v2/(?P<name>[^\s?#]{1,512})/manifests/(?P<tag>[^\s/?#]{1,256})")
# The management API's route: POST /v2/manage/namespaces/team/repos/web$shop/tags
_MANAGEMENT_ROUTE = re.compile(
    r"/namespaces/(?P<namespace>[^\s/]{1,256})/repos/(?P<repo>[^\s/]{1,256})/tags"
)

_MIN_MILLISECONDS = 100_000_000_000  # in seconds, this would be the year 5138


def read_traces(
    traces: Iterable[tuple[payload.Json, str | None]], skipped: Iterable[str] = ()
) -> Reading:
    """Return what the traces announce. Each trace comes with its event's id, if it has one.

    `skipped` are the reasons for parts of the delivery that are not SWR traces. Raises UnknownShape
    if no image was read and at least one trace is of an unknown shape.
    """
    results: list[Announcement | str] = [*skipped]
    unreadable: list[str] = []
    for trace, event_id in traces:
        try:
            results.append(_read_trace(trace, event_id))
        except UnknownShape as exc:
            unreadable.append(exc.text)
    if unreadable and not any(isinstance(result, Announcement) for result in results):
        raise UnknownShape(*payload.cap_reasons(unreadable))
    return payload.to_reading([*results, *unreadable])


def _read_trace(trace: payload.Json, event_id: str | None) -> Announcement | str:
    """Return the announcement, or the reason why there is none."""
    operation = payload.text(trace, "trace_name")
    if operation is None:
        raise UnknownShape(say("a trace has no `trace_name`"))
    if (service := payload.get(trace, "service_type")) != "SWR":
        return say("service %(service)s is not SWR", service=payload.quote(service))
    if operation not in PUSHES:
        return say("operation %(operation)s is not a push", operation=payload.quote(operation))
    if (rating := payload.get(trace, "trace_rating")) not in (None, "normal"):
        return say("rating %(rating)s: the push failed", rating=payload.quote(rating))
    image = next(_find_images(trace), None)
    if image is None:
        raise UnknownShape(say("no image in a trace of %(operation)s", operation=operation))
    trace_id = payload.text(trace, "trace_id")
    return payload.announce(*image, None, event_id or trace_id, _read_time(trace))


def _find_images(trace: payload.Json) -> Iterator[tuple[str, str]]:
    """Yield the name and tag of the image from every field that has both."""
    request = _decode_request(trace)
    resource = payload.text(trace, "resource_name") or ""
    lines = [request, *(payload.get(request, key) for key in _URL), resource]
    for line in lines:
        if isinstance(line, str) and (route := _REGISTRY_ROUTE.search(line)):
            yield route["name"], route["tag"]
    resource_tag = resource if payload.get(trace, "resource_type") == "imagetag" else None
    tag = _first_text(request, _TAG) or resource_tag
    for line in lines:
        if isinstance(line, str) and tag and (route := _MANAGEMENT_ROUTE.search(line)):
            # SWR's API writes `$` for `/` in repository names.
            yield f"{route['namespace']}/{route['repo'].replace('$', '/')}", tag
    namespace, repository = _first_text(request, _NAMESPACE), _first_text(request, _REPOSITORY)
    if namespace and repository and tag:
        yield f"{namespace}/{repository}", tag
    image = payload.parse_reference(resource)
    if "/" in image.name and image.tag:
        yield image.name, image.tag


def _decode_request(trace: payload.Json) -> payload.Json:
    """Return the trace's request, decoded if it is JSON in a string."""
    request = payload.get(trace, "request")
    if not isinstance(request, str):
        return request
    try:
        return payload.decode(request.encode(errors="replace"))
    except Undecodable:
        return request


def _first_text(document: payload.Json, keys: Iterable[str]) -> str | None:
    return next((text for key in keys if (text := payload.text(document, key))), None)


def _read_time(trace: payload.Json) -> datetime | None:
    """Return the trace's time, which CTS writes in milliseconds."""
    value = payload.get(trace, "time")
    if isinstance(value, int) and abs(value) >= _MIN_MILLISECONDS:
        value = value // 1000
    return payload.timestamp({"time": value}, "time")
