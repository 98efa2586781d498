"""The HTTP endpoint of a worker process."""

import socket

import pytest
import requests

from swrhook.errors import BadConfiguration
from swrhook.web.worker_endpoint import SHOWN, serve_worker_endpoint
from tests.web.harness import READ, WebHarness


def test_only_health_and_metrics_are_served(harness: WebHarness) -> None:
    server = serve_worker_endpoint(harness.web, "127.0.0.1:0")
    headers = {"Authorization": f"Bearer {READ}"}

    def status(path: str) -> int:
        url = f"http://127.0.0.1:{server.port}{path}"
        return requests.get(url, headers=headers, timeout=20).status_code

    assert [200] * len(SHOWN) == [status(path) for path in SHOWN]
    assert [status("/api/v1/syncs"), status("/")] == [404, 404]
    server.shutdown()
    server.server_close()


def test_a_port_in_use_is_a_configuration_error(harness: WebHarness) -> None:
    with socket.create_server(("127.0.0.1", 0)) as other:
        bind = f"127.0.0.1:{other.getsockname()[1]}"
        with pytest.raises(
            BadConfiguration, match=f"cannot listen on SWRHOOK_METRICS_BIND {bind}: "
        ):
            serve_worker_endpoint(harness.web, bind)
