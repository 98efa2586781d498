"""The load balancers as deploy/ ships them, on ports of their own."""

import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from tests.programs import ROOT, Served, free_port, wait_for

NGINX = (ROOT / "deploy" / "nginx.conf").read_text()
HAPROXY = (ROOT / "deploy" / "haproxy.cfg").read_text()


@contextmanager
def running(folder: Path, command: Sequence[str], url: str) -> Iterator[None]:
    with (folder / "balancer.log").open("wb") as log:
        process = subprocess.Popen(command, stdout=log, stderr=log)
    try:
        wait_for(url, process)
        yield
    finally:
        process.terminate()
        process.wait()


def replaced(text: str, *pairs: tuple[str, str]) -> str:
    """Replace each text by another; each must be there exactly once."""
    for old, new in pairs:
        assert text.count(old) == 1, old
        text = text.replace(old, new)
    return text


@contextmanager
def nginx(folder: Path, processes: Sequence[Served]) -> Iterator[str]:
    port = free_port()
    one, two = (f"127.0.0.1:{served.port}" for served in processes)
    paths = "".join(
        f"{name}_temp_path {folder}/{name};\n"
        for name in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    text = replaced(
        NGINX,
        ("worker_processes auto;", f"daemon off; master_process off; pid {folder}/pid;"),
        ("http {", f"error_log stderr;\nhttp {{\naccess_log off;\n{paths}"),
        ("listen 443 ssl", f"listen 127.0.0.1:{port}"),
        ("ssl_certificate /etc/nginx/swrhook.crt;", ""),
        ("ssl_certificate_key /etc/nginx/swrhook.key;", ""),
        ("10.0.0.11:8080", one),
        ("10.0.0.12:8080", two),
    )
    file = folder / "nginx.conf"
    file.write_text(text)
    url = f"http://127.0.0.1:{port}"
    with running(folder, ["nginx", "-p", str(folder), "-c", str(file)], f"{url}/healthz"):
        yield url


@contextmanager
def haproxy(folder: Path, processes: Sequence[Served]) -> Iterator[str]:
    port = free_port()
    one, two = (f"127.0.0.1:{served.port}" for served in processes)
    file = folder / "haproxy.cfg"
    file.write_text(
        replaced(
            HAPROXY,
            ("bind :8080", f"bind 127.0.0.1:{port}"),
            ("web-1:8080", one),
            ("web-2:8080", two),
        )
    )
    url = f"http://127.0.0.1:{port}"
    with running(folder, ["haproxy", "-db", "-f", str(file)], f"{url}/readyz"):
        yield url
