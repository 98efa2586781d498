"""Signed deliveries, each of a tag of its own, and how many of them a server takes."""

import hmac
import json
import shutil
import subprocess
import tempfile
import threading
import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from hashlib import sha256
from http.client import HTTPConnection
from itertools import count, islice
from pathlib import Path
from statistics import quantiles
from typing import Self
from urllib.parse import urlsplit

SECRET = "the-secret-of-the-benchmark"
AUTH = {"scheme": "hmac", "header": "X-Signature", "prefix": "sha256=", "secrets": [SECRET]}
REPOSITORIES = 20
SECONDS = 2.0
# More than any server here takes in a second: none is sent twice.
_MOST_PER_SECOND = 12_000
_SCRIPT = Path(__file__).parent / "deliveries.lua"
_WARMING = 0.2
_BETWEEN_QUESTIONS = 0.01

_numbers = count()


@dataclass(frozen=True, slots=True)
class Load:
    """What came of sending for some seconds: answers per second, and their times in ms."""

    per_second: float
    p50: float
    p99: float
    count: int


def deliveries(how_many: int, repositories: int = REPOSITORIES) -> Iterator[tuple[str, bytes]]:
    """Yield signatures and bodies of Harbor's events; no tag was pushed before."""
    for number in islice(_numbers, how_many):
        body = _body(f"app-{number % repositories}", f"v{number}")
        yield f"sha256={hmac.digest(SECRET.encode(), body, 'sha256').hex()}", body


def digest(tag: str) -> str:
    """Return the digest under which a tag is announced."""
    return f"sha256:{sha256(tag.encode()).hexdigest()}"


def _body(repository: str, tag: str) -> bytes:
    resource = {
        "digest": digest(tag),
        "tag": tag,
        "resource_url": f"harbor.example.com/team/{repository}:{tag}",
    }
    named = {
        "name": repository,
        "namespace": "team",
        "repo_full_name": f"team/{repository}",
        "repo_type": "private",
    }
    event = {
        "type": "PUSH_ARTIFACT",
        "occur_at": 1680501893,
        "operator": "robot$ci",
        "event_data": {"resources": [resource], "repository": named},
    }
    return json.dumps(event, separators=(",", ":")).encode()


def send(url: str, connections: int, seconds: float = SECONDS) -> Load:
    """Send over so many connections; each waits for an answer before it sends again.

    Raises RuntimeError when a delivery was not taken.
    """
    way = _send_with_wrk if shutil.which("wrk") else _send_with_threads
    way(url, connections, _WARMING)
    return way(url, connections, seconds)


@contextmanager
def asking(url: str) -> Iterator[list[float]]:
    """Ask for a page again and again, and yield the list of how long each answer took, in ms."""
    took: list[float] = []
    ended = threading.Event()

    def ask() -> None:
        parts = urlsplit(url)
        connection = HTTPConnection(parts.netloc, timeout=30)
        while not ended.wait(_BETWEEN_QUESTIONS):
            begun = time.monotonic()
            connection.request("GET", parts.path)
            connection.getresponse().read()
            took.append((time.monotonic() - begun) * 1000)
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        asked = pool.submit(ask)
        try:
            yield took
        finally:
            ended.set()
            asked.result()


def _send_with_wrk(url: str, connections: int, seconds: float) -> Load:
    lasts = max(1, round(seconds))  # wrk's durations are whole seconds
    with tempfile.NamedTemporaryFile() as file:
        for signature, body in deliveries(lasts * _MOST_PER_SECOND):
            file.write(b"%s %s\n" % (signature.encode(), body))
        file.flush()
        options = ("-t1", f"-c{connections}", f"-d{lasts}s", "--timeout", "30s", "-s", str(_SCRIPT))
        command = ("wrk", *options, url, "--", file.name)
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    told = json.loads(output.splitlines()[-1])
    if told["failed"]:
        raise RuntimeError(f"{url}: {told['failed']} deliveries were not taken")
    return Load(told["count"] / told["seconds"], told["p50"], told["p99"], told["count"])


def _send_with_threads(url: str, connections: int, seconds: float) -> Load:
    """Do it without wrk; the client's own work slows both sides of a ratio."""
    waiting = iter(list(deliveries(round((seconds + 1) * _MOST_PER_SECOND))))
    started = time.monotonic()
    with ThreadPoolExecutor(connections) as pool:
        senders = [
            pool.submit(_send_until, url, waiting, started + seconds) for _ in range(connections)
        ]
        took = [each for sender in senders for each in sender.result()]
    cuts = quantiles(took, n=100)
    return Load(len(took) / (time.monotonic() - started), cuts[49], cuts[98], len(took))


def _send_until(url: str, waiting: Iterator[tuple[str, bytes]], until: float) -> Sequence[float]:
    took = []
    with Sender(url) as sender:
        while (begun := time.monotonic()) < until:
            sender.send(*next(waiting))
            took.append((time.monotonic() - begun) * 1000)
    return took


class Sender:
    """One kept connection, as a registry has it."""

    def __init__(self, url: str) -> None:
        """Connect with the first delivery."""
        parts = urlsplit(url)
        self._connection = HTTPConnection(parts.netloc, timeout=30)
        self._path = parts.path

    def send(self, signature: str, body: bytes) -> None:
        """Deliver, and wait for the answer. Raises RuntimeError unless it is 2xx."""
        headers = {"Content-Type": "application/json", "X-Signature": signature}
        self._connection.request("POST", self._path, body, headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if not 200 <= answer.status < 300:
            raise RuntimeError(f"{self._path}: {answer.status} {text[:200]!r}")

    def __enter__(self) -> Self:
        """Return the sender itself."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """Hang up."""
        self._connection.close()
