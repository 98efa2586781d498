"""Huawei Cloud EventGrid: CloudEvents that carry a CTS trace of SWR, one or an array of `events`.

Payload: https://support.huaweicloud.com/intl/en-us/usermanual-eg/eg-ug-015.html (events) and
eg-ug-030.html (SWR is a source), read August 2026. Neither the types of SWR's events nor a sample
are published: the types here are inferred from other services'. See also
swrhook/senders/cts_traces.py.
"""

from typing import Any

from swrhook.errors import UnknownShape
from swrhook.model import Reading
from swrhook.senders import cts_traces, payload
from swrhook.senders.delivery import Delivery

SOURCE = "HC.SWR"
TYPES = "SWR:CloudTrace:"


def parse(delivery: Delivery) -> Reading:
    """Read the tags of the pushes among the events.

    Raises Undecodable, UnknownShape, or Ignored when no event is of a push to SWR.
    """
    document = payload.decode(delivery.body)
    batch = payload.items(document, "events") or [document]
    events = [event for event in batch if payload.text(event, "specversion") is not None]
    if not events:
        raise UnknownShape("the body is neither a CloudEvent nor an array `events` of them")
    skipped = [_other(event) for event in batch if not _is_ours(event)]
    ours = [(payload.at(it, "data"), payload.text(it, "id")) for it in events if _is_ours(it)]
    return cts_traces.reading(ours, skipped)


def _is_ours(event: Any) -> bool:  # noqa: ANN401
    """Tell whether the event carries a trace of SWR."""
    kind = payload.text(event, "type") or ""
    return payload.text(event, "source") == SOURCE or kind.startswith(TYPES)


def _other(event: Any) -> str:  # noqa: ANN401
    kind, source = payload.at(event, "type"), payload.at(event, "source")
    return f"type {payload.shown(kind)} of source {payload.shown(source)} is not a trace of SWR"
