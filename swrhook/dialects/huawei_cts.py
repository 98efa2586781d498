"""Huawei Cloud CTS: traces of SWR's operations, bare (inside SMN) or from FunctionGraph.

Payload: https://docs.otc.t-systems.com/cloud-trace-service/umn/ (trace structure) and
https://docs.otc.t-systems.com/function-graph/umn/ (CTS trigger), read August 2026. No trace of SWR
is published: where the image stands in it is a guess, see swrhook/senders/cts_traces.py.
"""

from swrhook.model import Reading
from swrhook.senders import cts_traces, payload
from swrhook.senders.delivery import Delivery


def parse(delivery: Delivery) -> Reading:
    """Read the tags of the pushes among the traces.

    Raises Undecodable, Ignored when no trace is of a push, or UnknownShape.
    """
    document = payload.decode(delivery.body)
    found = document if isinstance(document, list) else [document]
    inner = (payload.at(trace, "cts") for trace in found)
    return cts_traces.reading((cts or trace, None) for cts, trace in zip(inner, found, strict=True))
