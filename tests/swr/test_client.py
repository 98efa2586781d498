"""Requests and responses of the client, against the simulator and against misbehaving servers."""

import gzip
import json
from dataclasses import replace
from typing import Literal

import pytest

from swrhook.config.model import Timeouts
from swrhook.errors import Kind, SwrError
from swrhook.model import Lane, Target
from swrhook.simulator import Fault, RunningSimulator
from swrhook.swr.http import MAX_RESPONSE_BYTES, Network
from tests.factories import FakeClock
from tests.swr.clients import DIGEST, LANE, NETWORK, NO_TAG, client_of, logins, simulated
from tests.swr.loopback import Loopback, Received, Reply

WEST, EAST = "cn-north-4", "cn-east-3"


def test_a_synchronized_tag_is_at_the_target(simulator: RunningSimulator, clock: FakeClock) -> None:
    client = simulated(simulator, clock)
    seeded = simulator.state.seed(WEST, "group", "web/shop", "v1")
    assert client.show_tag(EAST, "group", "web/shop", "v1") is None

    client.sync_images(LANE, ["v1"])

    assert seeded.digest == client.show_tag(WEST, "group", "web/shop", "v1")
    assert seeded.digest == client.show_tag(EAST, "group", "web/shop", "v1")
    [job] = client.sync_jobs(WEST, "group", "web/shop")
    assert (job.tag, job.status, job.target) == ("v1", "success", LANE.target)
    assert clock.now() == job.created_at


def test_the_regions_are_listed_where_swr_reports_them(
    simulator: RunningSimulator, clock: FakeClock
) -> None:
    client = simulated(simulator, clock)
    assert frozenset(simulator.endpoints) == client.regions(WEST)

    for status in (403, 404):
        simulator.state.faults.add([Fault(WEST, status=status, times=1)])
        assert client.regions(WEST) is None


@pytest.mark.parametrize("body", ["empty_list", "tags", "nothing"])
def test_every_documented_body_of_a_success_is_accepted(
    simulator: RunningSimulator, clock: FakeClock, body: Literal["empty_list", "tags", "nothing"]
) -> None:
    simulator.state.configure(replace(simulator.state.settings, accepted_body=body))
    simulator.state.seed(WEST, "group", "web/shop", "v1")
    simulator.state.seed(WEST, "group", "web/shop", "v2")

    simulated(simulator, clock).sync_images(LANE, ["v1", "v2"])

    [call] = simulator.state.calls(operation="sync_images")
    assert call.body == {
        "imageTag": ["v1", "v2"],
        "override": False,
        "remoteNamespace": "group",
        "remoteRegionId": EAST,
    }


@pytest.mark.parametrize("shape", ["array", "errors", "object"])
def test_every_shape_of_error_is_understood(
    simulator: RunningSimulator, clock: FakeClock, shape: Literal["array", "errors", "object"]
) -> None:
    simulator.state.configure(replace(simulator.state.settings, error_shape=shape))

    with pytest.raises(SwrError) as caught:
        simulated(simulator, clock).sync_images(LANE, ["v1"])

    assert caught.value.kind is Kind.NOT_YET
    assert caught.value.code.startswith("SVCSTG.SWR.404")


def test_the_failed_tags_are_in_the_error(simulator: RunningSimulator, clock: FakeClock) -> None:
    for tag in ("v1", "v2"):
        simulator.state.seed(WEST, "group", "web/shop", tag)
    simulator.state.faults.add([Fault(failed_tags=("v2",))])

    with pytest.raises(SwrError) as caught:
        simulated(simulator, clock).sync_images(LANE, ["v1", "v2"])

    assert caught.value.failed_tags == {"v2"}


@pytest.mark.parametrize("total", [True, False])
def test_tags_are_searched_on_every_page(*, total: bool) -> None:
    names = [f"v{number}" for number in range(250)]

    def answer(request: Received) -> Reply:
        offset = int(request.path.partition("offset=")[2].partition("&")[0])
        page = [{"Tag": name, "digest": DIGEST} for name in names[offset : offset + 100]]
        headers = {"Content-Range": f"{offset}-{len(page)}/250"} if total else {}
        return Reply(200, json.dumps(page).encode(), headers)

    with Loopback(answer) as swr:
        client = client_of(swr.url)
        assert client.list_tags(WEST, "group", "shop", ["v99"]) == {"v99": DIGEST}
        assert len(swr.received) == 1
        digests = client.list_tags(WEST, "group", "shop", ["v0", "v249"])
        assert digests == {"v0": DIGEST, "v249": DIGEST}
        assert len(swr.received) == 1 + 3
        assert client.list_tags(WEST, "group", "shop", ["nowhere"]) == {}
        assert 1 + 3 + (3 if total else 4) == len(swr.received)
        assert client.list_tags(WEST, "group", "shop", []) == {}


def test_a_server_without_paging_gets_at_most_two_requests() -> None:
    page = json.dumps([{"Tag": "v1", "digest": DIGEST}]).encode()
    with Loopback(lambda _: Reply(200, page)) as swr:
        assert client_of(swr.url).list_tags(WEST, "g", "shop", ["v1", "v2"]) == {"v1": DIGEST}

    assert len(swr.received) == 2


def test_the_pages_of_the_simulator_are_read(simulator: RunningSimulator, clock: FakeClock) -> None:
    first = simulator.state.seed(WEST, "group", "shop", "first")
    for number in range(120):
        clock.advance(seconds=1)
        last = simulator.state.seed(WEST, "group", "shop", f"v{number}")
    client = simulated(simulator, clock)

    assert client.list_tags(WEST, "group", "shop", {"v119"}) == {"v119": last.digest}
    assert len(simulator.state.calls(operation="tags")) == 1  # the newest are on the first page
    assert client.list_tags(WEST, "group", "shop", {"first", "none"}) == {"first": first.digest}
    assert len(simulator.state.calls(operation="tags")) == 1 + 2
    assert client.list_tags(WEST, "group", "unknown", {"v1"}) == {}


def test_only_an_existing_organization_is_reported(
    simulator: RunningSimulator, clock: FakeClock
) -> None:
    client = simulated(simulator, clock)

    assert client.has_namespace(EAST, "group")
    assert not client.has_namespace(EAST, "nobody")


@pytest.mark.parametrize(
    ("status", "body", "exists"),
    [
        (200, b'{"id":1422,"name":"group","creator_name":"user","auth":7}', True),
        (200, b'{"id":1422,"name":"group","creator_name":"user","auth":1}', True),
        (404, b'[{"errorCode":"SVCSTG.SWR.4041061","errorMessage":"The organization"}]', False),
        (404, b"", False),
        (403, b'[{"errorCode":"SVCSTG.SWR.4039001","errorMessage":"not yours"}]', False),
        (401, b'{"errorCode":"SVCSTG.SWR.4011064","errorMessage":"x"}', False),
    ],
)
def test_an_organization_exists_and_is_ours_or_not(
    status: int, body: bytes, *, exists: bool
) -> None:
    with Loopback(lambda _: Reply(status, body)) as swr:
        assert client_of(swr.url).has_namespace(WEST, "group") is exists


def test_a_region_that_is_not_configured_is_not_called(
    simulator: RunningSimulator, clock: FakeClock
) -> None:
    with pytest.raises(SwrError) as caught:
        simulated(simulator, clock).show_tag("eu-west-101", "group", "shop", "v1")

    assert (caught.value.kind, caught.value.code) == (Kind.CONFIGURATION, "region")
    assert logins(simulator) == []


def test_the_request_on_the_wire_is_the_documented_one() -> None:
    lane = Lane(WEST, "group", "web/shop", Target("region1", "sdsad"), override=True)
    with Loopback(lambda _: Reply(200, b"[]")) as swr:
        client_of(swr.url).sync_images(lane, ["V1"])

    [received] = swr.received
    body = (
        b'{"imageTag":["V1"],"override":true,"remoteNamespace":"sdsad","remoteRegionId":"region1"}'
    )
    assert received.method == "POST"
    assert received.path == "/v2/manage/namespaces/group/repos/web$shop/sync_images"
    assert body == received.body
    assert received.headers == {
        "Host": swr.url.removeprefix("http://"),
        "User-Agent": "swrhook",
        "Accept": "application/json",
        "Accept-Encoding": "gzip",
        "Content-Type": "application/json",
        "X-Auth-Token": "A-token-given-by-the-configuration",
        "Content-Length": str(len(body)),
    }


@pytest.mark.parametrize(
    ("reply", "kind", "code"),
    [
        (Reply(502, b"<html>Bad Gateway</html>"), Kind.TRANSIENT, "HTTP.502"),
        (Reply(503, b"", {"Retry-After": "7"}), Kind.TRANSIENT, "HTTP.503"),
        (Reply(hang_up=True), Kind.TRANSIENT, "protocol"),
        (Reply(200, b"[", promised=10), Kind.TRANSIENT, "protocol"),
        (Reply(200, b"no", {"Content-Encoding": "gzip"}), Kind.TRANSIENT, "protocol"),
        (Reply(200, b"[]", {"X-Long": "x" * 70_000}), Kind.TRANSIENT, "protocol"),
        (Reply(302, b"x", {"Location": "http://login.example/"}), Kind.TRANSIENT, "HTTP.302"),
        (Reply(307, b"x", {"Location": "/v3"}), Kind.TRANSIENT, "HTTP.307"),
        (Reply(301, b"x", {"Location": "http://[/"}), Kind.TRANSIENT, "HTTP.301"),
    ],
)
def test_a_failure_on_the_way_is_transient_and_not_retried_at_once(
    reply: Reply, kind: Kind, code: str
) -> None:
    with Loopback(lambda _: reply) as swr, pytest.raises(SwrError) as caught:
        client_of(swr.url).sync_images(LANE, ["v1"])

    assert (caught.value.kind, caught.value.code) == (kind, code)
    assert len(swr.received) == 1  # nothing is repeated, nothing is followed


HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 300\r\n\r\n"


@pytest.mark.parametrize(
    ("reply", "words"),
    [
        (Reply(200, b"[]", delay=1.0), "no answer in time"),
        (Reply(200, b"5", {"Transfer-Encoding": "chunked"}), "the answer stopped midway"),
        (Reply(raw=b"HTTP/1.1 200 OK\r\nX: ", drip=b"x" * 300), "no answer in time"),
        (Reply(raw=HEAD, drip=b"[" * 300), "the answer stopped midway"),
    ],
)
def test_a_slow_response_is_a_timeout(reply: Reply, words: str) -> None:
    network = replace(NETWORK, timeouts=Timeouts(connect=1.0, read=0.4))
    with Loopback(lambda _: reply) as swr, pytest.raises(SwrError) as caught:
        client_of(swr.url, network).sync_images(LANE, ["v1"])

    assert (caught.value.kind, caught.value.code) == (Kind.TRANSIENT, "timeout")
    assert words in caught.value.message


def test_a_response_that_is_not_http_gives_one_line_without_secrets() -> None:
    noise = b"HTTQ\0X-Auth-Token: A-token-given-by-the-configuration" + b"\x01" * 2000 + b"\r\n"
    with Loopback(lambda _: Reply(raw=noise)) as swr, pytest.raises(SwrError) as caught:
        client_of(swr.url).sync_images(LANE, ["v1"])

    assert caught.value.code == "protocol"
    assert caught.value.message.isprintable()
    assert len(caught.value.message) < 400
    assert "A-token-given" not in str(caught.value)


def test_a_closed_port_gives_a_short_message() -> None:
    with Loopback(lambda _: Reply()) as closed:
        pass
    with pytest.raises(SwrError) as caught:
        client_of(closed.url).show_tag(WEST, "group", "shop", "v1")

    host = closed.url.removeprefix("http://")
    assert (caught.value.kind, caught.value.code) == (Kind.TRANSIENT, "connect")
    assert f"{host}: no connection ([Errno 111] Connection refused)" == caught.value.message


def test_a_server_without_tls_gives_a_tls_error() -> None:
    with Loopback(lambda _: Reply()) as plain, pytest.raises(SwrError) as caught:
        client_of(plain.url.replace("http:", "https:")).show_tag(WEST, "group", "shop", "v1")

    assert (caught.value.kind, caught.value.code) == (Kind.TRANSIENT, "connect")
    assert "certificates" in caught.value.remedy


def test_a_missing_certificate_file_is_an_swr_error() -> None:
    network = replace(NETWORK, certificates="/nowhere/ca.pem")
    with Loopback(lambda _: Reply()) as plain, pytest.raises(SwrError) as caught:
        client_of(plain.url.replace("http:", "https:"), network).has_namespace(WEST, "group")

    assert "/nowhere/ca.pem" in caught.value.message


@pytest.mark.parametrize("status", [200, 302])
def test_a_response_over_the_size_limit_is_refused(status: int) -> None:
    bomb = gzip.compress(b"[" + b" " * (MAX_RESPONSE_BYTES + 1) + b"]")
    headers = {"Content-Encoding": "gzip", "Location": "/x"}
    with Loopback(lambda _: Reply(status, bomb, headers)) as swr, pytest.raises(SwrError) as caught:
        client_of(swr.url).list_tags(WEST, "group", "shop", ["v1"])

    assert caught.value.code == "protocol"
    assert "larger than" in caught.value.message


def test_a_compressed_answer_is_read() -> None:
    body = gzip.compress(json.dumps({"tag": "v1", "digest": DIGEST}).encode())
    with Loopback(lambda _: Reply(200, body, {"Content-Encoding": "gzip"})) as swr:
        assert client_of(swr.url).show_tag(WEST, "group", "shop", "v1") == DIGEST


def test_cookies_are_not_stored() -> None:
    with Loopback(lambda _: Reply(404, NO_TAG, {"Set-Cookie": "session=1; Path=/"})) as swr:
        client = client_of(swr.url)
        for _ in range(2):
            client.show_tag(WEST, "group", "shop", "v1")
        client.close()

    assert ["Cookie" in received.headers for received in swr.received] == [False, False]


def test_proxies_in_the_environment_are_not_used(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("ALL_PROXY", "http://127.0.0.1:9")
    with Loopback(lambda _: Reply(404, NO_TAG)) as swr:
        assert client_of(swr.url).show_tag(WEST, "group", "shop", "v1") is None


def test_a_proxy_is_used_for_its_endpoints() -> None:
    with Loopback(lambda _: Reply(404, NO_TAG)) as proxy:
        network = Network(find_proxies=lambda url: {"http": proxy.url} if "swr" in url else {})
        client_of("http://swr.invalid", network).show_tag(WEST, "group", "shop", "v1")

    [received] = proxy.received
    assert received.path == "http://swr.invalid/v2/manage/namespaces/group/repos/shop/tags/v1"


def test_an_echoed_request_leaks_no_secret() -> None:
    def echo(request: Received) -> Reply:
        shown = "|".join(f"{name}:{value}" for name, value in request.headers.items())
        message = f"verify aksk signature fail,canonicalRequest:{request.path}|{shown}"
        body = {"error_code": "APIGW.0301", "error_msg": message, "request_id": "d4e8"}
        return Reply(401, json.dumps(body).encode())

    with Loopback(echo) as swr, pytest.raises(SwrError) as caught:
        client_of(swr.url).show_tag(WEST, "group", "shop", "v1")

    assert "A-token-given" not in f"{caught.value} {caught.value.message} {caught.value!r}"
    assert "verify aksk signature fail" in caught.value.message
    assert caught.value.message.endswith("(request d4e8)")
