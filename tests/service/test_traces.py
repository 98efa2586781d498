"""Traces over OTLP, received by a small collector from the real service."""

import gzip
import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace
from typing import Any
from unittest.mock import Mock

import pytest
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from swrhook import __version__, simulator
from swrhook.ledger.database import Database
from swrhook.model import State
from swrhook.service.traces import Traces, make_traces, parse_traceparent
from swrhook.syncs.decisions import Decision
from swrhook.syncs.states import Event
from tests.programs import Served
from tests.syncs.samples import NOW, sync
from tests.waiting import eventually

TRACE, SPAN = "4bf92f3577b34da6a3ce929d0e0e4736", "00f067aa0ba902b7"
DELIVERY = "01KB3Y6Q3Z6B1D8F2G4H5J7K9M"


@dataclass
class Collector:
    """A collector's address, and the spans that it has received."""

    url: str
    spans: dict[str, Any] = field(default_factory=dict)
    resources: list[dict[str, str]] = field(default_factory=list)

    def receive(self, body: bytes) -> None:
        message = ExportTraceServiceRequest.FromString(body)
        for group in message.resource_spans:
            attributes = group.resource.attributes
            self.resources.append({each.key: each.value.string_value for each in attributes})
            for scope in group.scope_spans:
                self.spans |= {f"{span.name} {span.span_id.hex()}": span for span in scope.spans}

    def named(self, name: str) -> list[Any]:
        return [span for key, span in self.spans.items() if key.startswith(f"swrhook {name} ")]

    def wait_for(self, count: int) -> None:
        assert eventually(lambda: len(self.spans) >= count)


@pytest.fixture
def collector() -> Iterator[Collector]:
    received = Collector("")

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            is_gzip = self.headers.get("Content-Encoding") == "gzip"
            received.receive(gzip.decompress(body) if is_gzip else body)
            self.send_response(200)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_arguments: object) -> None:
            """Print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    received.url = f"http://127.0.0.1:{server.server_port}"
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield received
    server.shutdown()
    server.server_close()
    thread.join()


def serve(service: Served, collector: Collector) -> None:
    environ = {"OTEL_EXPORTER_OTLP_ENDPOINT": collector.url, "OTEL_BSP_SCHEDULE_DELAY": "100"}
    service.environ = {**service.environ, **environ}
    service.start()


def test_a_job_sees_in_its_trace_where_its_image_is(
    service: Served, collector: Collector, swr: simulator.RunningSimulator
) -> None:
    swr.state.create_organization("cn-east-3", "team")
    serve(service, collector)

    header = {"traceparent": f"00-{TRACE}-{SPAN}-01"}
    answer = service.deliver("ci", {"image": "team/app:v1"}, **header).json()
    [sync] = service.wait_until_ended(1)
    collector.wait_for(2)

    [delivery_span], [sync_span] = collector.named("delivery"), collector.named("sync")
    attributes = {each.key: each.value.string_value for each in sync_span.attributes}
    assert {delivery_span.trace_id.hex(), sync_span.trace_id.hex()} == {TRACE}
    assert delivery_span.parent_span_id.hex() == SPAN
    assert sync_span.parent_span_id == delivery_span.span_id
    assert sync_span.start_time_unix_nano < sync_span.end_time_unix_nano
    assert attributes["swrhook.sync"] == sync["id"]
    assert attributes["swrhook.delivery"] == answer["delivery"]
    assert (attributes["swrhook.state"], attributes["swrhook.target_region"]) == (
        "verified",
        "cn-east-3",
    )
    resource = collector.resources[0]
    assert (resource["service.name"], resource["service.version"]) == ("swrhook", __version__)


def test_a_failed_sync_is_an_error_of_its_span(
    service: Served, collector: Collector, swr: simulator.RunningSimulator
) -> None:
    swr.state.reset()
    swr.state.seed("cn-north-4", "team", "app", "v1")
    serve(service, collector)

    service.deliver("ci", {"image": "team/app:v1"})
    service.wait_until_ended(1)
    collector.wait_for(2)

    [span] = collector.named("sync")
    assert span.status.code == span.status.STATUS_CODE_ERROR
    assert "cn-east-3 has no organization team" in span.status.message


def test_a_trace_that_is_not_sampled_gets_no_spans(service: Served, collector: Collector) -> None:
    serve(service, collector)

    service.deliver("ci", {"image": "team/app:v1"}, traceparent=f"00-{TRACE}-{SPAN}-00")
    service.deliver("ci", {"image": "team/app:v2"}, traceparent=f"00-{TRACE}-{SPAN}-01")
    service.wait_until_ended(2)
    collector.wait_for(2)
    service.stop()

    images = {
        each.value.string_value
        for span in collector.named("sync")
        for each in span.attributes
        if each.key == "swrhook.image"
    }
    assert images == {"team/app:v2"}


def test_the_service_works_without_its_collector(service: Served) -> None:
    service.environ = {**service.environ, "OTEL_EXPORTER_OTLP_ENDPOINT": "http://127.0.0.1:9"}
    service.start()

    service.deliver("ci", {"image": "team/app:v1"})
    [sync] = service.wait_until_ended(1)

    assert sync["state"] == "verified"
    assert service.stop() == 0


@pytest.mark.parametrize(
    "environ",
    [{}, {"OTEL_EXPORTER_OTLP_ENDPOINT": "http://c", "OTEL_SDK_DISABLED": "true"}],
)
def test_nothing_is_made_while_it_is_off(environ: dict[str, str], database: Database) -> None:
    assert make_traces(environ, database) is None


def test_a_ledger_that_could_not_be_read_is_asked_again(
    on_sqlite: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    ended: list[Any] = []
    processor: Any = SimpleNamespace(on_end=ended.append)
    traces = Traces(processor, on_sqlite)
    decision = Decision(Event.VERIFY)

    with monkeypatch.context() as broken:
        broken.setattr(Database, "read", Mock(side_effect=OSError))
        traces.sync(sync(delivery=DELIVERY), State.VERIFIED, decision, NOW)
    assert not ended
    traces.sync(sync(delivery=DELIVERY), State.VERIFIED, decision, NOW)

    assert [span.name for span in ended] == ["swrhook sync"]


@pytest.mark.parametrize(
    "header",
    [
        "",
        "nonsense",
        f"ff-{TRACE}-{SPAN}-01",
        f"00-{'0' * 32}-{SPAN}-01",
        f"00-{TRACE}-{'0' * 16}-01",
        f"00-{TRACE.upper()}-{SPAN}-01",
    ],
)
def test_without_a_valid_header_a_delivery_begins_a_trace(header: str) -> None:
    caller = parse_traceparent(header, DELIVERY)

    assert (caller.span, caller.is_sampled) == (None, True)
    assert caller == parse_traceparent("", DELIVERY)
    assert re.fullmatch(r"[0-9a-f]{1,32}", f"{caller.trace:x}")


def test_later_versions_of_the_header_are_read() -> None:
    caller = parse_traceparent(f"01-{TRACE}-{SPAN}-03-more", DELIVERY)

    assert (f"{caller.trace:032x}", caller.span) == (TRACE, int(SPAN, 16))
