"""Senders that send too much, or too slowly, under the real gunicorn."""

import gzip
import json
import resource
import select
import socket
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import requests

from swrhook import simulator
from swrhook.service.gunicorn_workers import MAX_CONNECTIONS
from swrhook.service.request_reader import REQUEST_TIMEOUT
from tests.programs import Served
from tests.service.conftest import ENVIRON, SECRET, SOURCE, TARGET, document

BEARER = {"Authorization": f"Bearer {SECRET}"}
LIMIT = 1024 * 1024
THREADS = 32
# Long enough for a slow machine, and far from for ever.
GENEROUS = REQUEST_TIMEOUT + 20
START = f"POST /hooks/ci HTTP/1.1\r\nHost: swrhook\r\nAuthorization: Bearer {SECRET}\r\n".encode()
# More than the cap in the first of its chunks.
CHUNKED_LARGE = b"Transfer-Encoding: chunked\r\n\r\n%x\r\n%s\r\n1\r\n" % (
    2 * LIMIT,
    bytes(2 * LIMIT),
)
SLOW = [
    START + b"Content-Length: 100\r\n\r\n{",  # a body
    START + b"Transfer-Encoding: chunked\r\n\r\n9\r\n{",  # a chunk
    START[:40],  # a header
    b"P",  # a request line
]


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Served]:
    with simulator.start([SOURCE, TARGET]) as swr:
        served = Served(tmp_path_factory.mktemp("hardening"), ENVIRON)
        whole: dict[str, Any] = document(swr)
        ci = whole["senders"]["ci"]
        whole["senders"]["near"] = ci | {"allow_from": "127.0.0.0/8"}
        whole["senders"]["far"] = ci | {"allow_from": ["192.0.2.0/24"]}
        whole["senders"]["rare"] = ci | {"rate_limit": "2/h"}
        served.configure(whole)
        served.start()
        yield served
        served.close()


def post(served: Served, body: Any, sender: str = "ci", **headers: str) -> requests.Response:
    url = f"{served.url}/hooks/{sender}"
    return requests.post(url, body, headers=BEARER | headers, timeout=GENEROUS)


def pieces(body: bytes, size: int = 1000) -> Iterator[bytes]:
    """Yield a body in pieces: requests sends them as chunks, with no Content-Length."""
    for start in range(0, len(body), size):
        yield body[start : start + size]


def connection(served: Served, sent: bytes, address: str = "127.0.0.1") -> socket.socket:
    """Return a connection from an address that has sent something, and waits."""
    opened = socket.create_connection(
        ("127.0.0.1", served.port), timeout=GENEROUS, source_address=(address, 0)
    )
    opened.sendall(sent)
    return opened


def answer_on(opened: socket.socket) -> bytes:
    """Return all that comes until the other end hangs up."""
    with opened:
        return b"".join(iter(lambda: opened.recv(65536), b""))


def ignored(size: int) -> bytes:
    """Return a delivery of so many bytes that no rule wants."""
    body = json.dumps({"image": "other/app:v1", "padding": ""}).encode()
    return body.replace(b'""', b'"' + b"x" * (size - len(body)) + b'"')


def test_chunks_within_the_cap_are_taken(served: Served) -> None:
    answer = post(served, pieces(ignored(100_000)))

    assert (answer.status_code, answer.json()["outcome"]) == (200, "ignored")


def test_a_body_of_exactly_the_cap_is_taken_and_one_byte_more_is_not(served: Served) -> None:
    sizes = (LIMIT, LIMIT + 1)

    assert [post(served, ignored(size)).status_code for size in sizes] == [200, 413]
    assert [post(served, pieces(ignored(size))).status_code for size in sizes] == [200, 413]


def test_a_large_body_is_413_also_when_the_sender_goes_on_sending(served: Served) -> None:
    for body in (bytes(8 * LIMIT), pieces(bytes(8 * LIMIT), 65536)):
        answer = post(served, body)

        assert (
            answer.status_code,
            answer.headers["Content-Type"],
        ) == (413, "application/problem+json")


@pytest.mark.parametrize("header", [b"Content-Length: %d\r\n\r\n" % (2 * LIMIT), CHUNKED_LARGE])
def test_an_answer_says_that_its_connection_is_closed(served: Served, header: bytes) -> None:
    answer = answer_on(connection(served, START + header))

    assert answer.startswith(b"HTTP/1.1 413 ")
    assert b"\r\nConnection: close\r\n" in answer


def test_a_connection_is_kept_after_a_refusal_of_a_whole_body(served: Served) -> None:
    body = gzip.compress(bytes(50 * LIMIT))
    header = b"Content-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % len(body)
    with connection(served, (START + header + body) * 2) as opened:
        answers = b""
        while answers.count(b"HTTP/1.1 413 ") < 2:
            answers += opened.recv(65536)

    assert b"\r\nConnection: keep-alive\r\n" in answers


@pytest.mark.parametrize("members", [1, 3])
def test_a_gzip_bomb_is_413(served: Served, members: int) -> None:
    bomb = gzip.compress(bytes(50 * LIMIT // members)) * members

    assert post(served, bomb, **{"Content-Encoding": "gzip"}).status_code == 413
    assert post(served, pieces(bomb), **{"Content-Encoding": "gzip"}).status_code == 413


CHUNKED = START + b"Transfer-Encoding: chunked\r\n\r\n"
BROKEN_CHUNKS = [b"x\r\n", b"-5\r\n", b"2\r\n{}\n\n0\r\n\r\n", b"2;a\rb\r\n"]
# A line too long for the main loop goes to a thread, whose reading has an end as well.
ENDLESS_CHUNK = b"1;" + b"a" * 5000
NOT_HTTP = {
    b"nonsense\r\n\r\n": 400,
    b"GET /hooks/ci/%s HTTP/9.9\r\n\r\n" % SECRET.encode(): 400,
    START + b"a b: c\r\n\r\n": 400,
    START + b"X-Token: \0%s\r\n\r\n" % SECRET.encode(): 400,
    START + b"Content-Length: x\r\n\r\n": 400,
    START + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n": 400,
    START + b"Content-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n": 400,
    START + b"Transfer-Encoding: gzip, chunked, x\r\n\r\n": 501,
    START + b"Expect: wonders\r\n\r\n": 417,
    b"GET /%s HTTP/1.1\r\n\r\n" % (b"x" * 9000): 414,
    START + b"X: y\r\n" * 200 + b"\r\n": 431,
    START + b"X: %s\r\n\r\n" % (b"y" * 9000): 431,
    START + b"X: %s" % (b"y" * 99_000): 413,
}


@pytest.fixture(scope="module")
def answers(served: Served) -> dict[bytes, bytes]:
    """The answers to what is broken, all sent at once: after some of it, ten seconds pass."""
    chunks = [CHUNKED + each for each in (*BROKEN_CHUNKS, ENDLESS_CHUNK)]
    opened = {sent: connection(served, sent) for sent in (*chunks, *NOT_HTTP)}
    return {sent: answer_on(each) for sent, each in opened.items()}


@pytest.mark.parametrize("chunks", [*BROKEN_CHUNKS, ENDLESS_CHUNK])
def test_broken_chunks_are_400(answers: dict[bytes, bytes], chunks: bytes) -> None:
    assert answers[CHUNKED + chunks].startswith(b"HTTP/1.1 400 ")


@pytest.mark.parametrize(("sent", "status"), NOT_HTTP.items())
def test_what_is_not_http_is_refused_as_a_problem(
    answers: dict[bytes, bytes], sent: bytes, status: int
) -> None:
    head, _, body = answers[sent].partition(b"\r\n\r\n")

    assert head.startswith(b"HTTP/1.1 %d " % status)
    assert b"Content-Type: application/problem+json" in head
    assert json.loads(body)["status"] == status


def test_a_body_that_is_cut_off_is_400(served: Served) -> None:
    for framing in (b"Content-Length: 100\r\n\r\n{", b"Transfer-Encoding: chunked\r\n\r\n9\r\n{"):
        opened = connection(served, START + framing)
        opened.shutdown(socket.SHUT_WR)

        assert b"did not arrive whole" in answer_on(opened)


@pytest.mark.parametrize(
    "sent",
    [
        *SLOW,
        b"",  # nothing at all
        b"\r\n\r\n" + START,
        START + b"Content-Length: 3000000\r\n\r\n{",  # more than is read
        START + b"Transfer-Encoding: chunked\r\n\r\n5\r\n0\r\n\r\n",
    ],
)
def test_slow_clients_occupy_no_thread(served: Served, sent: bytes) -> None:
    """All are served before any of the slow ones is ended for its time."""
    slow = [connection(served, sent) for _ in range(THREADS + 8)]
    for path in ("/healthz", "/readyz"):
        assert requests.get(f"{served.url}{path}", timeout=GENEROUS).status_code == 200
    assert post(served, ignored(100)).status_code == 200
    assert post(served, pieces(ignored(200_000))).status_code == 200

    is_refused = b"3000000" in sent  # at once, without its body
    assert len(ended(slow)) == (len(slow) if is_refused else 0)
    for opened in slow:
        opened.close()


LARGE_FILE = "/api/docs/swagger-ui-bundle.js"
TIMES = 6  # more than what the kernel keeps for a client


def reader(served: Served, address: str) -> socket.socket:
    """Return a connection that asks for a large file several times, and reads nothing yet."""
    opened = socket.socket()
    opened.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    opened.settimeout(GENEROUS)
    opened.bind((address, 0))
    opened.connect(("127.0.0.1", served.port))
    one = f"GET {LARGE_FILE} HTTP/1.1\r\nHost: x\r\n"
    opened.sendall(f"{one}\r\n".encode() * (TIMES - 1))
    opened.sendall(f"{one}Connection: close\r\n\r\n".encode())
    return opened


def test_clients_that_do_not_read_occupy_no_thread(served: Served) -> None:
    readers = [reader(served, "127.0.0.4") for _ in range(THREADS + 8)]
    for opened in readers:
        assert opened.recv(1) == b"H"  # each is being answered

    assert post(served, ignored(100)).status_code == 200
    assert requests.get(f"{served.url}/readyz", timeout=GENEROUS).status_code == 200

    content = requests.get(f"{served.url}{LARGE_FILE}", timeout=GENEROUS).content
    first, *others = readers
    for opened in others:
        opened.close()
    assert answer_on(first).count(content) == TIMES


def test_an_address_has_a_bounded_number_of_connections(served: Served) -> None:
    # Not from the address of the other tests: the service may notice only later that they ended.
    opened = [connection(served, b"P", "127.0.0.2") for _ in range(MAX_CONNECTIONS + 8)]
    request = b"GET /readyz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"

    assert answer_on(connection(served, request)).startswith(b"HTTP/1.1 200 ")
    assert len(ended(opened)) == 8
    for each in opened:
        each.close()


def test_a_process_without_file_descriptors_serves_on(served: Served) -> None:
    (worker,) = served.children()
    used = len(list(Path(f"/proc/{worker}/fd").iterdir()))
    usual = resource.prlimit(worker, resource.RLIMIT_NOFILE)
    resource.prlimit(worker, resource.RLIMIT_NOFILE, (used + 8, usual[1]))
    try:
        slow = [connection(served, b"P", f"127.0.0.{3 + number % 9}") for number in range(40)]
        assert requests.get(f"{served.url}/healthz", timeout=GENEROUS).status_code == 200
    finally:
        resource.prlimit(worker, resource.RLIMIT_NOFILE, usual)
    for each in slow:
        each.close()

    assert post(served, ignored(100)).status_code == 200
    assert served.children() == [worker]


def ended(connections: list[socket.socket]) -> list[socket.socket]:
    """Return the connections that got an answer or were closed."""
    readable, _, _ = select.select(connections, [], [], 0)
    return readable


def test_a_client_that_asks_before_it_sends_its_body_is_answered(served: Served) -> None:
    body = ignored(100)
    opened = connection(
        served,
        START + b"Connection: close\r\nExpect: 100-continue\r\nContent-Length: 100\r\n\r\n",
    )
    assert opened.recv(1000).startswith(b"HTTP/1.1 100 ")
    opened.sendall(body)

    assert b"HTTP/1.1 200 " in answer_on(opened)


def test_requests_that_follow_each_other_at_once_are_all_answered(served: Served) -> None:
    body = ignored(100)
    one = START + b"Content-Length: 100\r\n\r\n" + body
    last = one.replace(b"Host:", b"Connection: close\r\nHost:")

    assert answer_on(connection(served, one * 5 + last)).count(b"HTTP/1.1 200 ") == 6


def test_a_sender_that_drips_is_told_400_and_others_are_served_meanwhile(served: Served) -> None:
    opened = connection(served, START + b"Content-Length: 1000000\r\n\r\n")
    opened.settimeout(1)
    deadline = time.monotonic() + GENEROUS
    answer = b""
    while not answer and time.monotonic() < deadline:
        opened.sendall(b" ")
        assert post(served, ignored(100)).status_code == 200
        try:
            answer = opened.recv(65536)
        except TimeoutError:
            continue
    answer += answer_on(opened)

    assert answer.startswith(b"HTTP/1.1 400 ")
    assert b"it took too long" in answer


def test_a_client_that_never_hangs_up_delays_nobody(served: Served) -> None:
    request = b"GET /healthz HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"
    staying = [connection(served, request) for _ in range(THREADS // 2)]
    began = time.monotonic()

    assert requests.get(f"{served.url}/healthz", timeout=GENEROUS).status_code == 200
    assert time.monotonic() - began < THREADS / 2  # in the main loop it would be 2 s for each
    for opened in staying:
        opened.close()


def test_an_address_is_checked_before_the_secret(served: Served) -> None:
    wrong = {"Authorization": "Bearer wrong"}
    forwarded = {"X-Forwarded-For": "192.0.2.1", "X_Forwarded_For": "192.0.2.1"}

    assert post(served, ignored(100), "near").status_code == 200
    assert post(served, ignored(100), "far", **wrong).status_code == 403
    assert post(served, ignored(100), "far", **forwarded).status_code == 403


@pytest.mark.parametrize("name", ["SCRIPT_NAME", "PATH_INFO", "X-Script-Name"])
def test_no_header_moves_a_request_to_another_path(served: Served, name: str) -> None:
    """A proxy on the same machine has allowed the path that it saw, and no other."""
    seen = "/healthz/readyz"
    other = {"SCRIPT_NAME": "/healthz", "PATH_INFO": "/readyz"}.get(name, "/healthz")

    answer = requests.get(f"{served.url}{seen}", headers={name: other}, timeout=GENEROUS)

    assert answer.status_code == 404


def test_what_is_over_the_rate_is_429_with_a_time(served: Served) -> None:
    wrong = [post(served, b"", "rare", Authorization="Bearer no").status_code for _ in range(5)]
    answers = [post(served, ignored(100), "rare") for _ in range(3)]

    assert wrong == [401] * 5
    assert [answer.status_code for answer in answers] == [200, 200, 429]
    assert 0 < int(answers[2].headers["Retry-After"]) <= 3600


def test_nothing_of_this_is_an_error_of_ours(served: Served) -> None:
    log = served.log.read_text()

    assert "Traceback" not in log
    assert SECRET not in log
    assert [event for event in served.events() if event["event"] == "request.failed"] == []
