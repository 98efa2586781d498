"""haproxy with the configuration that is deployed, and addresses of the test's own."""

import re
import subprocess
from collections.abc import Mapping
from pathlib import Path

from tests.programs import ROOT, free_port, wait_for

DEPLOYED = ROOT / "deploy" / "haproxy.cfg"


class Balancer:
    """A load balancer in front of servers, by their names in the deployed configuration."""

    def __init__(self, folder: Path, servers: Mapping[str, str]) -> None:
        self._port = free_port()
        self._file = folder / "haproxy.cfg"
        self._log = folder / "haproxy.log"
        self._process: subprocess.Popen[bytes] | None = None
        text = DEPLOYED.read_text().replace("bind :8080", f"bind 127.0.0.1:{self._port}")
        for name, address in servers.items():
            text, count = re.subn(rf"server {name} \S+", f"server {name} {address}", text)
            assert count == 1
        self._file.write_text(text)

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self._port}"

    def start(self) -> None:
        with self._log.open("wb") as log:
            command = ["haproxy", "-db", "-f", str(self._file)]
            self._process = subprocess.Popen(command, stdout=log, stderr=log)
        wait_for(f"{self.url}/readyz", self._process)

    def close(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()
