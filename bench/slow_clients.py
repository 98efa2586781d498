"""How long /healthz takes while 80 clients send a header, one byte of a body, and nothing more."""

import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from statistics import quantiles
from urllib.parse import urlsplit

from bench.figures import Figure, Measurement
from bench.load import probe
from bench.stage import service
from tests.programs import ROOT, Served, free_port, wait_for

CLIENTS = 80
SECONDS = 5.0
_START = b"POST /hooks/harbor HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"


def measure() -> Measurement:
    """Measure directly and behind deploy/haproxy.cfg."""
    skipped = [] if shutil.which("haproxy") else ["/healthz behind haproxy: no haproxy"]
    with service() as served:
        figures = [_figure("direct", _p99(served.url), 300)]
        if not skipped:
            with _haproxy(served) as url:
                figures.append(_figure("behind deploy/haproxy.cfg", _p99(url), 100))
    return Measurement(figures, skipped=skipped)


def _figure(where: str, p99: float, at_least: float) -> Figure:
    name = f"p99 of /healthz while {CLIENTS} clients send too slowly, {where}"
    return Figure(
        name, f"{p99:.1f} ms", "", p99, at_least, at_least / 10, unit="ms", less_is_better=True
    )


def _p99(url: str) -> float:
    """Return the 99th percentile in ms. The slow clients have another address than the probe."""
    port = urlsplit(url).port
    with ExitStack() as stack:
        for _ in range(CLIENTS):
            client = stack.enter_context(
                socket.create_connection(("127.0.0.1", port), source_address=("127.0.0.2", 0))
            )
            client.sendall(_START)
        with probe(f"{url}/healthz") as latencies:
            time.sleep(SECONDS)
        return quantiles(latencies, n=100)[98]


@contextmanager
def _haproxy(served: Served) -> Iterator[str]:
    """Run haproxy as shipped, with both servers at the one process."""
    port = free_port()
    text = (ROOT / "deploy" / "haproxy.cfg").read_text()
    text = text.replace("bind :8080", f"bind 127.0.0.1:{port}")
    for name in ("web-1", "web-2"):
        text = text.replace(f"{name}:8080", f"127.0.0.1:{served.port}")
    with tempfile.NamedTemporaryFile("w", suffix=".cfg") as file:
        file.write(text)
        file.flush()
        process = subprocess.Popen(("haproxy", "-db", "-f", file.name), stdout=subprocess.DEVNULL)
        try:
            wait_for(f"http://127.0.0.1:{port}/healthz", process)
            yield f"http://127.0.0.1:{port}"
        finally:
            process.terminate()
            process.wait()
