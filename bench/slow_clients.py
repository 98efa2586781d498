"""How long /healthz takes while 80 clients send a header, one byte of a body, and nothing more.

Directly, and through haproxy and nginx as deploy/ ships them. Writes docs/performance.md.
"""

import shutil
import socket
import tempfile
import time
from contextlib import ExitStack, suppress
from pathlib import Path
from statistics import quantiles
from urllib.parse import urlsplit

from bench.figures import Figure, announce, show, write
from bench.load import probe
from bench.stage import service
from tests.balancers import haproxy, nginx

CLIENTS = 80
SECONDS = 10.0
# In milliseconds.
DIRECT, BEHIND = 300, 100
_START = b"POST /hooks/harbor HTTP/1.1\r\nHost: x\r\nContent-Length: 100\r\n\r\n{"


def main() -> None:
    """Measure, print the figures, and write them into the page."""
    announce("slow_clients")
    balancers = {"haproxy": haproxy, "nginx": nginx}
    skipped = [f"/healthz behind {name}" for name in balancers if shutil.which(name) is None]
    with service() as served:
        figures = [_figure("direct", _p99(served.url), DIRECT)]
        for name, balancer in balancers.items():
            if shutil.which(name) is None:
                continue
            with (
                tempfile.TemporaryDirectory() as folder,
                balancer(Path(folder), [served, served]) as url,
            ):
                figures.append(_figure(f"behind {name} as shipped", _p99(url), BEHIND))
    show(figures, skipped, "The health of a process under a slow-request attack")
    write(figures, [], skipped, "slow clients")


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
            with suppress(ConnectionError):  # a proxy refuses those over its limit
                client.sendall(_START)
        with probe(f"{url}/healthz") as latencies:
            time.sleep(SECONDS)
        return quantiles(latencies, n=100)[98]


if __name__ == "__main__":
    main()
