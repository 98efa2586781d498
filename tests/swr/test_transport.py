"""What the client sends, and answers that are broken, slow or too large."""

import gzip
import json
from dataclasses import replace

import pytest

from swrhook.config.model import Timeouts
from swrhook.errors import Kind, SwrError
from swrhook.model import Lane, Target
from swrhook.swr.http import MAX_RESPONSE_BYTES, Network
from tests.swr.clients import DIGEST, LANE, NETWORK, NO_TAG, client_of
from tests.swr.loopback import Loopback, Received, Reply

WEST = "cn-north-4"


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
