"""Huawei Cloud EventGrid: a CloudEvent with a CTS trace of SWR, or an array of them in `events`.

Payload: https://support.huaweicloud.com/intl/en-us/usermanual-eg/eg-ug-015.html (events) and
eg-ug-030.html (SWR as an event source), read August 2026. Neither the types of SWR's events nor an
example is published; the types are inferred from those of other services. See also
swrhook/senders/cts_traces.py.
"""

from swrhook.errors import UnknownShape
from swrhook.model import Reading
from swrhook.senders import cts_traces, payload
from swrhook.senders.delivery import Delivery
from swrhook.wording.message import say

SOURCE = "HC.SWR"
TYPES = "SWR:CloudTrace:"


def parse(delivery: Delivery) -> Reading:
    """Read the tags of the pushes among the events.

    Raises Undecodable, UnknownShape, or Ignored if no event is of a push to SWR.
    """
    document = payload.decode(delivery.body)
    batch = payload.items(document, "events") or [document]
    events = [event for event in batch if payload.text(event, "specversion") is not None]
    if not events:
        raise UnknownShape(say("the body is neither a CloudEvent nor an array of them in `events`"))
    traces = [
        (payload.get(event, "data"), payload.text(event, "id"))
        for event in events
        if _is_swr_trace(event)
    ]
    skipped = [_skip_reason(event) for event in batch if not _is_swr_trace(event)]
    return cts_traces.read_traces(traces, skipped)


def _is_swr_trace(event: payload.Json) -> bool:
    """Return whether the event contains a trace of SWR."""
    kind = payload.text(event, "type") or ""
    return payload.text(event, "source") == SOURCE or kind.startswith(TYPES)


def _skip_reason(event: payload.Json) -> str:
    kind, source = payload.get(event, "type"), payload.get(event, "source")
    return say(
        "type %(kind)s of source %(source)s is not a trace of SWR",
        kind=payload.quote(kind),
        source=payload.quote(source),
    )
