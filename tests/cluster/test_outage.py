"""PostgreSQL goes away and comes back: swrhook refuses deliveries, then recovers by itself."""

from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import Any

import pytest
import requests
from sqlalchemy import make_url

from swrhook import simulator
from tests.chaos.server import Server, needs_server
from tests.cluster.conftest import SECRET, SOURCE, TARGET, served, until, worker
from tests.cluster.wire import Wire
from tests.postgresql import new_database
from tests.programs import Served


@pytest.fixture
def swr() -> Iterator[simulator.RunningSimulator]:
    with simulator.start([SOURCE, TARGET], delay=0.1) as running:
        running.state.create_organization(TARGET, "team")
        for number in range(3):
            running.state.seed(SOURCE, "team", "app", f"v{number}")
        yield running


def deliver(service: Served, tag: str) -> requests.Response:
    headers = {"Authorization": f"Bearer {SECRET}"}
    body = {"image": f"team/app:{tag}"}
    return requests.post(f"{service.url}/hooks/ci", json=body, headers=headers, timeout=30)


def is_ready(service: Served) -> bool:
    return requests.get(f"{service.url}/readyz", timeout=30).ok


def test_deliveries_are_refused_while_postgresql_is_away_and_recorded_afterwards(
    tmp_path: Path, swr: simulator.RunningSimulator
) -> None:
    with new_database() as url:
        address = make_url(url)
        wire = Wire(address.host or "127.0.0.1", address.port or 5432)
        near = address.set(host="127.0.0.1", port=wire.port)
        database_url = near.render_as_string(hide_password=False)
        service = served(tmp_path / "all-in-one", database_url, swr, workers=4)
        with closing(service), closing(wire):
            service.start()
            first = deliver(service, "v0")

            wire.cut()
            away = deliver(service, "v1")
            until(lambda: not is_ready(service))
            wire.restore()
            until(lambda: is_ready(service))
            third = deliver(service, "v2")
            syncs = service.wait_until_ended(2)

            assert service.stop() == 0
    assert [answer.status_code for answer in (first, away, third)] == [202, 503, 202]
    assert away.headers["Retry-After"] == "5"
    assert {(s["tag"], s["state"]) for s in syncs} == {("v0", "verified"), ("v2", "verified")}


@needs_server
def test_a_server_that_hangs_makes_web_and_worker_processes_unready_at_once(
    tmp_path: Path, swr: simulator.RunningSimulator
) -> None:
    with closing(Server()) as server:
        server.start()
        web = served(tmp_path / "web", server.url, swr, workers=0)
        working = worker(tmp_path / "worker", server.url, swr)
        with closing(web), closing(working):
            web.start()
            working.start()
            server.pause()
            until(lambda: not is_ready(web) and not is_ready(working))
            shown = [readiness(process) for process in (web, working)]
            refused = deliver(web, "v0")
            server.resume()
            until(lambda: is_ready(web) and is_ready(working))
            taken = deliver(web, "v1")
            syncs = web.wait_until_ended(1)
            codes = [web.stop(), working.stop()]

    for state in shown:
        assert state["status"] == "not ready"
        assert "the database" in state["failing"]["ledger"]
    assert [refused.status_code, taken.status_code] == [503, 202]
    assert [(sync["tag"], sync["state"]) for sync in syncs] == [("v1", "verified")]
    assert codes == [0, 0]


def readiness(service: Served) -> Any:
    return requests.get(f"{service.url}/readyz", timeout=30).json()
