"""TLS in gunicorn itself, without a proxy."""

import socket
import ssl
import sys
import time
from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
import requests

from swrhook import simulator
from tests.programs import Served
from tests.sender_keys.loopback import write_certificates
from tests.service.conftest import ENVIRON, SOURCE, TARGET, document
from tests.service.test_hardening import GENEROUS, LARGE_FILE, THREADS, TIMES, answer_on

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
    context = ssl.create_default_context(cafile=str(authority))
    with socket.create_connection(("127.0.0.1", served.port), GENEROUS) as plain:
        opened = context.wrap_socket(plain, server_hostname="localhost")
        opened.sendall(b"nonsense\r\n\r\n")

        assert answer_on(opened).startswith(b"HTTP/1.1 400 ")
