"""Huawei Cloud CTS: traces of SWR's operations, inside SMN messages or from FunctionGraph.

Payload: https://docs.otc.t-systems.com/cloud-trace-service/umn/ (trace structure) and
https://docs.otc.t-systems.com/function-graph/umn/ (CTS trigger), read August 2026. No example of an
SWR trace is published, so the fields that hold the image are a guess: see
swrhook/senders/cts_traces.py.
"""

from swrhook.model import Reading
from swrhook.senders import cts_traces, payload
from swrhook.senders.delivery import Delivery


def parse(delivery: Delivery) -> Reading:
    """Read the tags of the pushes among the traces.

    Raises Undecodable, UnknownShape, or Ignored if no trace is of a push.
    """
    document = payload.decode(delivery.body)
    traces = document if isinstance(document, list) else [document]
    # FunctionGraph wraps the trace in an object with the key `cts`.
    return cts_traces.read_traces((payload.get(trace, "cts") or trace, None) for trace in traces)
