"""Traces over OTLP: they show in the trace of a CI job where its image is.

Needs the extra `otel`, and is off unless OTEL_EXPORTER_OTLP_ENDPOINT is set; OpenTelemetry's own
variables choose the rest. A span is made when a delivery is recorded or a sync has ended, from what
the ledger knows. Its id is computed from the ledger's ids, so that every process can name the
parent of its spans, whichever process has exported that one.
"""

import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import TYPE_CHECKING, Any

from ulid_transform import ulid_to_timestamp

from swrhook import __version__, logs
from swrhook.ledger.database import Database
from swrhook.ledger.deliveries import Recording
from swrhook.ledger.optional_read import read_or_none
from swrhook.ledger.queries.deliveries import read_header
from swrhook.model import State, Sync
from swrhook.syncs.decisions import Decision

if TYPE_CHECKING:
    from opentelemetry.sdk.trace import SpanProcessor

_ENDPOINTS = ("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT", "OTEL_EXPORTER_OTLP_ENDPOINT")
# The W3C's header: version, trace, parent span, flags.
_TRACEPARENT = re.compile(r"[0-9a-f]{2}-([0-9a-f]{32})-([0-9a-f]{16})-([0-9a-f]{2})(-.*)?")
_SUCCESS = frozenset({State.VERIFIED, State.UNVERIFIED, State.SUPERSEDED, State.CANCELLED})


@dataclass(frozen=True, slots=True)
class Caller:
    """The trace that a delivery belongs to, and its caller's span; None: it began a trace."""

    trace: int
    span: int | None
    is_sampled: bool


def make_traces(environ: Mapping[str, str], database: Database) -> "Traces | None":
    """Return what exports traces, or None if no endpoint is set or the extra is not installed."""
    is_off = environ.get("OTEL_SDK_DISABLED", "").lower() == "true"
    if is_off or not any(environ.get(name) for name in _ENDPOINTS):
        return None
    try:
        from opentelemetry.exporter.otlp.proto.http.trace_exporter import (  # noqa: PLC0415
            OTLPSpanExporter,
        )
        from opentelemetry.sdk.trace.export import BatchSpanProcessor  # noqa: PLC0415
    except ImportError:
        logs.warning("traces.not_installed", remedy="pip install 'swrhook[otel]'")
        return None
    return Traces(BatchSpanProcessor(OTLPSpanExporter()), database)


class Traces:
    """Makes a span of each delivery with syncs, and of each sync that has ended."""

    def __init__(self, processor: "SpanProcessor", database: Database) -> None:
        """Hand finished spans to the processor, which must not block."""
        self._processor = processor
        self._database = database
        self._known_caller = lru_cache(maxsize=4096)(self._read_caller)

    def deliveries(self, recording: Recording, now: datetime) -> None:
        """Make the spans of recorded deliveries."""
        for receipt in recording.receipts:
            caller = self._caller(receipt.delivery)
            count = receipt.syncs_total or len(receipt.syncs)
            if caller is None or not caller.is_sampled or not count:
                continue
            attributes = {
                "swrhook.delivery": receipt.delivery,
                "swrhook.sender": receipt.sender,
                "swrhook.outcome": str(receipt.outcome),
                "swrhook.syncs": count,
            }
            began = ulid_to_timestamp(receipt.delivery) * 1_000_000  # from milliseconds
            span = _span_id(receipt.delivery)
            self._end("delivery", caller, span, caller.span, (began, now), attributes)

    def sync(self, sync: Sync, state: State, decision: Decision, now: datetime) -> None:
        """Make the span of a sync that has ended: from its push to its proof."""
        caller = None if sync.delivery is None else self._caller(sync.delivery)
        if caller is None or not caller.is_sampled:
            return
        reason = decision.reason or (str(decision.error) if decision.error else "")
        attributes = {
            "swrhook.sync": sync.id,
            "swrhook.delivery": sync.delivery or "",
            "swrhook.image": sync.image,
            "swrhook.source_region": sync.lane.source_region,
            "swrhook.target_region": sync.lane.target.region,
            "swrhook.target_namespace": sync.lane.target.namespace,
            "swrhook.state": str(state),
            "swrhook.attempts": sync.attempts,
            **({"swrhook.reason": reason} if reason else {}),
        }
        # A sync that is retried ends again.
        span = _span_id(f"{sync.id} {now.isoformat()}")
        times = (_nanoseconds(sync.created_at), now)
        failure = None if state in _SUCCESS else reason or str(state)
        parent = _span_id(sync.delivery or "")
        self._end("sync", caller, span, parent, times, attributes, failure=failure)

    def stop(self) -> None:
        """Export what is left."""
        self._processor.shutdown()

    def _end(  # noqa: PLR0913  # a span has as many parts
        self,
        name: str,
        caller: Caller,
        span: int,
        parent: int | None,
        times: tuple[int, datetime],
        attributes: Mapping[str, Any],
        *,
        failure: str | None = None,
    ) -> None:
        from opentelemetry.sdk.trace import ReadableSpan  # noqa: PLC0415  # the extra
        from opentelemetry.sdk.util.instrumentation import InstrumentationScope  # noqa: PLC0415
        from opentelemetry.trace import SpanContext, SpanKind, TraceFlags  # noqa: PLC0415
        from opentelemetry.trace.status import Status, StatusCode  # noqa: PLC0415

        def context(id_: int, *, is_remote: bool) -> SpanContext:
            return SpanContext(caller.trace, id_, is_remote, TraceFlags(TraceFlags.SAMPLED))

        finished = ReadableSpan(
            name=f"swrhook {name}",
            context=context(span, is_remote=False),
            parent=None if parent is None else context(parent, is_remote=True),
            resource=_resource(),
            attributes=attributes,
            kind=SpanKind.SERVER if name == "delivery" else SpanKind.CONSUMER,
            status=Status(StatusCode.OK) if failure is None else Status(StatusCode.ERROR, failure),
            start_time=times[0],
            end_time=_nanoseconds(times[1]),
            instrumentation_scope=InstrumentationScope("swrhook", __version__),
        )
        self._processor.on_end(finished)

    def _caller(self, delivery: str) -> Caller | None:
        """Return the trace of a delivery; None while the ledger cannot be read."""
        try:
            return self._known_caller(delivery)
        except LookupError:
            return None

    def _read_caller(self, delivery: str) -> Caller:
        """Return the trace of a delivery. Raises LookupError while the ledger cannot be read."""
        header = read_or_none(self._database, read_header, delivery, "traceparent")
        if header is None:
            raise LookupError(delivery)
        return parse_traceparent(header, delivery)


def parse_traceparent(header: str, delivery: str) -> Caller:
    """Return the caller's trace; without a valid header the delivery begins one of its own."""
    match = _TRACEPARENT.fullmatch(header)
    if match is None or header.startswith("ff") or not int(match[1], 16) or not int(match[2], 16):
        return Caller(_number(f"trace {delivery}", 16), None, is_sampled=True)
    return Caller(int(match[1], 16), int(match[2], 16), is_sampled=bool(int(match[3], 16) & 1))


@lru_cache(maxsize=1)
def _resource() -> Any:  # noqa: ANN401  # a type of the extra
    from opentelemetry.sdk.resources import SERVICE_NAME, Resource  # noqa: PLC0415

    own = {"service.name": "swrhook", "service.version": __version__}
    resource = Resource.create()
    has_name = not str(resource.attributes.get(SERVICE_NAME, "")).startswith("unknown_service")
    return Resource(own).merge(resource) if has_name else resource.merge(Resource(own))


def _span_id(text: str) -> int:
    return _number(text, 8)


def _number(text: str, size: int) -> int:
    return int.from_bytes(sha256(text.encode()).digest()[:size]) or 1


def _nanoseconds(moment: datetime) -> int:
    return round(moment.timestamp() * 1_000_000) * 1000
