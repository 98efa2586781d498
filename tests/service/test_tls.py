"""TLS in gunicorn itself, without a proxy."""

import socket
import ssl
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack, suppress
from http.client import HTTPSConnection
from pathlib import Path

import pytest
import requests

from swrhook import simulator
from tests.programs import Served
from tests.sender_keys.loopback import write_certificates
from tests.service.conftest import ENVIRON, SOURCE, TARGET, document
from tests.service.test_hardening import (
    BEARER,
    GENEROUS,
    LARGE_FILE,
    LIMIT,
    SLOW,
    THREADS,
    TIMES,
    answer_on,
    ended,
    ignored,
    pieces,
)

SERVED_BY = (sys.executable, "-m", "gunicorn", "wsgi:app")


@pytest.fixture(scope="module")
def authority(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("authority") / "authority.pem"


@pytest.fixture(scope="module")
def served(tmp_path_factory: pytest.TempPathFactory, authority: Path) -> Iterator[Served]:
    folder = tmp_path_factory.mktemp("tls")
    server = str(write_certificates(folder, authority))
    command = (*SERVED_BY, "--certfile", server, "--keyfile", server)
    with simulator.start([SOURCE, TARGET]) as swr:
        served = Served(folder, ENVIRON, command=command)
        served.configure(document(swr))
        served.start(ready=False)
        wait_until_served(served, authority)
        yield served
        served.close()


def get(served: Served, authority: Path, path: str) -> requests.Response:
    url = f"https://localhost:{served.port}{path}"
    return requests.get(url, timeout=GENEROUS, verify=str(authority))


def wait_until_served(served: Served, authority: Path) -> None:
    deadline = time.monotonic() + GENEROUS
    while True:
        try:
            assert get(served, authority, "/readyz").status_code == 200
        except requests.ConnectionError:
            assert time.monotonic() < deadline, served.log.read_text()
            time.sleep(0.1)
        else:
            return


def connection(served: Served, sent: bytes) -> socket.socket:
    """Return a connection that has sent something below TLS, and waits."""
    opened = socket.create_connection(("127.0.0.1", served.port), GENEROUS)
    opened.sendall(sent)
    return opened


def secure(served: Served, authority: Path, sent: bytes) -> ssl.SSLSocket:
    """Return a connection that has sent something over TLS, and waits."""
    context = ssl.create_default_context(cafile=str(authority))
    opened = context.wrap_socket(connection(served, b""), server_hostname="localhost")
    opened.sendall(sent)
    return opened


def hello() -> bytes:
    """Return what begins a handshake."""
    incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
    context = ssl.create_default_context()
    client = context.wrap_bio(incoming, outgoing, server_hostname="localhost")
    with suppress(ssl.SSLWantReadError):
        client.do_handshake()
    return outgoing.read()


@pytest.mark.parametrize("end", [0, 1, -1, None])
def test_slow_handshakes_occupy_no_thread(served: Served, authority: Path, end: int | None) -> None:
    """The others are served before any of the slow ones is ended for its time."""
    begun = hello()[:end]
    slow = [connection(served, begun) for _ in range(THREADS + 8)]
    for path in ("/healthz", "/readyz", LARGE_FILE):
        assert get(served, authority, path).status_code == 200

    if end is not None:  # a whole one is answered
        assert ended(slow) == []
    for opened in slow:
        opened.close()


@pytest.mark.parametrize("sent", SLOW)
def test_slow_requests_occupy_no_thread(served: Served, authority: Path, sent: bytes) -> None:
    slow = [secure(served, authority, sent) for _ in range(THREADS + 8)]
    for opened in slow:
        opened.settimeout(0)
    for path in ("/healthz", "/readyz", LARGE_FILE):
        assert get(served, authority, path).status_code == 200

    for opened in slow:
        with pytest.raises(ssl.SSLWantReadError):  # neither answered nor closed
            opened.recv(1)
        opened.close()


@pytest.mark.parametrize(
    ("size", "status"), [(100, 200), (200_000, 200), (LIMIT, 200), (LIMIT + 1, 413)]
)
def test_bodies_arrive(served: Served, authority: Path, size: int, status: int) -> None:
    url = f"https://localhost:{served.port}/hooks/ci"
    for body in (ignored(size), pieces(ignored(size))):
        answer = requests.post(url, body, headers=BEARER, timeout=GENEROUS, verify=str(authority))
        assert answer.status_code == status


def test_a_connection_is_kept_for_the_next_request(served: Served, authority: Path) -> None:
    context = ssl.create_default_context(cafile=str(authority))
    kept = HTTPSConnection("localhost", served.port, timeout=GENEROUS, context=context)
    for path in ("/healthz", LARGE_FILE, "/readyz"):
        kept.request("GET", path)
        first = kept.sock
        with kept.getresponse() as answer:
            assert (answer.status, len(answer.read()) > 0) == (200, True)
        assert kept.sock is first
    kept.close()


def test_what_is_not_tls_is_closed(served: Served) -> None:
    opened = connection(served, b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n")

    with suppress(ConnectionResetError):
        assert b"200" not in answer_on(opened)


def reader(served: Served, authority: Path) -> ssl.SSLSocket:
    """Return a connection that asks for a large file several times, and reads nothing yet."""
    plain = socket.socket()
    plain.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    plain.settimeout(GENEROUS)
    plain.connect(("127.0.0.1", served.port))
    context = ssl.create_default_context(cafile=str(authority))
    opened = context.wrap_socket(plain, server_hostname="localhost")
    one = f"GET {LARGE_FILE} HTTP/1.1\r\nHost: x\r\n"
    last = f"{one}Connection: close\r\n\r\n"
    opened.sendall(f"{one}\r\n".encode() * (TIMES - 1) + last.encode())
    return opened


def test_clients_that_do_not_read_occupy_no_thread(served: Served, authority: Path) -> None:
    content = get(served, authority, LARGE_FILE).content
    with ExitStack() as stack:
        readers = [stack.enter_context(reader(served, authority)) for _ in range(THREADS + 8)]
        for opened in readers:
            assert opened.recv(1) == b"H"  # each is being answered

        assert get(served, authority, "/readyz").status_code == 200
        assert answer_on(readers[0]).count(content) == TIMES


def test_what_is_not_http_is_answered(served: Served, authority: Path) -> None:
    opened = secure(served, authority, b"nonsense\r\n\r\n")

    assert answer_on(opened).startswith(b"HTTP/1.1 400 ")
