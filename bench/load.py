"""Load on a server: signed deliveries, each with a different tag."""

import hmac
import itertools
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
from pathlib import Path
from statistics import quantiles
from typing import Self
from urllib.parse import urlsplit

SECRET = "the-secret-of-the-benchmark"
AUTH = {"scheme": "hmac", "header": "X-Signature", "prefix": "sha256=", "secrets": [SECRET]}
REPOSITORIES = 20
SECONDS = 2.0
# More than any server accepts in a second, so that no delivery is sent twice.
_MOST_PER_SECOND = 12_000
_SCRIPT = Path(__file__).parent / "deliveries.lua"
_WARMUP = 0.2
_PROBE_INTERVAL = 0.01

_serials = itertools.count()


@dataclass(frozen=True, slots=True)
class LoadResult:
    """The result of a load: answers per second, and their latencies in ms."""

    per_second: float
    p50: float
    p99: float
    count: int


def deliveries(number: int, repositories: int = REPOSITORIES) -> Iterator[tuple[str, bytes]]:
    """Yield signatures and bodies of Harbor events, each with a new tag."""
    for serial in itertools.islice(_serials, number):
        body = _body(f"app-{serial % repositories}", f"v{serial}")
        yield f"sha256={hmac.digest(SECRET.encode(), body, 'sha256').hex()}", body


def digest(tag: str) -> str:
    """Return the digest that a tag is announced with."""
    return f"sha256:{sha256(tag.encode()).hexdigest()}"


def _body(repository: str, tag: str) -> bytes:
    resource = {
        "digest": digest(tag),
        "tag": tag,
        "resource_url": f"harbor.example.com/team/{repository}:{tag}",
    }
    image = {
        "name": repository,
        "namespace": "team",
        "repo_full_name": f"team/{repository}",
        "repo_type": "private",
    }
    event = {
        "type": "PUSH_ARTIFACT",
        "occur_at": 1680501893,
        "operator": "robot$ci",
        "event_data": {"resources": [resource], "repository": image},
    }
    return json.dumps(event, separators=(",", ":")).encode()


def send(url: str, connections: int, seconds: float = SECONDS) -> LoadResult:
    """Send over so many connections, each of which waits for an answer before the next delivery.

    Raises RuntimeError if a delivery was refused.
    """
    send_load = _send_with_wrk if shutil.which("wrk") else _send_with_threads
    send_load(url, connections, _WARMUP)
    return send_load(url, connections, seconds)


@contextmanager
def probe(url: str) -> Iterator[list[float]]:
    """Request a page repeatedly; yield the list of latencies in ms, which grows meanwhile."""
    latencies: list[float] = []
    ended = threading.Event()

    def request() -> None:
        parts = urlsplit(url)
        connection = HTTPConnection(parts.netloc, timeout=30)
        while not ended.wait(_PROBE_INTERVAL):
            started = time.monotonic()
            connection.request("GET", parts.path)
            connection.getresponse().read()
            latencies.append((time.monotonic() - started) * 1000)
        connection.close()

    with ThreadPoolExecutor(1) as pool:
        requests = pool.submit(request)
        try:
            yield latencies
        finally:
            ended.set()
            requests.result()


def _send_with_wrk(url: str, connections: int, seconds: float) -> LoadResult:
    duration = max(1, round(seconds))  # wrk takes whole seconds
    with tempfile.NamedTemporaryFile() as file:
        for signature, body in deliveries(duration * _MOST_PER_SECOND):
            file.write(b"%s %s\n" % (signature.encode(), body))
        file.flush()
        options = (
            "-t1",
            f"-c{connections}",
            f"-d{duration}s",
            "--timeout",
            "30s",
            "-s",
            str(_SCRIPT),
        )
        command = ("wrk", *options, url, "--", file.name)
        output = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    summary = json.loads(output.splitlines()[-1])
    if summary["failed"]:
        raise RuntimeError(f"{url}: {summary['failed']} deliveries were refused")
    count = summary["count"]
    return LoadResult(count / summary["seconds"], summary["p50"], summary["p99"], count)


def _send_with_threads(url: str, connections: int, seconds: float) -> LoadResult:
    """Send without wrk; the client's own CPU time slows both sides of a ratio."""
    prepared = iter(list(deliveries(round((seconds + 1) * _MOST_PER_SECOND))))
    started = time.monotonic()
    with ThreadPoolExecutor(connections) as pool:
        senders = [
            pool.submit(_send_until, url, prepared, started + seconds) for _ in range(connections)
        ]
        latencies = [latency for sender in senders for latency in sender.result()]
    cuts, count = quantiles(latencies, n=100), len(latencies)
    return LoadResult(count / (time.monotonic() - started), cuts[49], cuts[98], count)


def _send_until(url: str, prepared: Iterator[tuple[str, bytes]], until: float) -> Sequence[float]:
    latencies = []
    with Sender(url) as sender:
        while (started := time.monotonic()) < until:
            sender.send(*next(prepared))
            latencies.append((time.monotonic() - started) * 1000)
    return latencies


class Sender:
    """A sender with one persistent connection, like a registry."""

    def __init__(self, url: str) -> None:
        """Store the address; the first delivery connects."""
        parts = urlsplit(url)
        self._connection = HTTPConnection(parts.netloc, timeout=30)
        self._path = parts.path

    def send(self, signature: str, body: bytes) -> None:
        """Send a delivery and wait for the answer. Raises RuntimeError unless it is 2xx."""
        headers = {"Content-Type": "application/json", "X-Signature": signature}
        self._connection.request("POST", self._path, body, headers)
        answer = self._connection.getresponse()
        text = answer.read()
        if not 200 <= answer.status < 300:
            raise RuntimeError(f"{self._path}: {answer.status} {text[:200]!r}")

    def __enter__(self) -> Self:
        """Return the sender."""
        return self

    def __exit__(self, *_exc: object) -> None:
        """Close the connection."""
        self._connection.close()
