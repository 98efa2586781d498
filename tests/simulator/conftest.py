"""A simulator of three regions on free ports, with a clock that tests set."""

from collections.abc import Callable, Iterator
from datetime import UTC, datetime
from typing import Any

import pytest
import requests

from swrhook.simulator import RunningSimulator, start
from tests.factories import FakeClock

TIMEOUT = 10
START = datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC)


@pytest.fixture(scope="session")
def shared_clock() -> FakeClock:
    return FakeClock(START)


@pytest.fixture
def clock(shared_clock: FakeClock) -> FakeClock:
    shared_clock.time = START
    return shared_clock


@pytest.fixture
def advance(clock: FakeClock) -> Callable[[float], None]:
    return clock.advance


@pytest.fixture(scope="session")
def shared_sim(shared_clock: FakeClock) -> Iterator[RunningSimulator]:
    regions = ["cn-north-4", "cn-east-3", "ap-southeast-1"]
    with start(regions, delay=2, clock=shared_clock) as running:
        yield running


@pytest.fixture
def sim(shared_sim: RunningSimulator, clock: FakeClock) -> RunningSimulator:
    """Return the simulator in its initial state, at START."""
    assert clock is shared_sim.state.clock
    shared_sim.state.reset()
    return shared_sim


@pytest.fixture
def session() -> Iterator[requests.Session]:
    with requests.Session() as session:
        session.trust_env = False
        yield session


@pytest.fixture
def login(sim: RunningSimulator, session: requests.Session) -> Callable[..., requests.Response]:
    def send(
        region: str | None = "cn-north-4",
        *,
        password: str = "demo",
        user: str = "demo",
        domain: str = "demo",
        scope: dict[str, Any] | None = None,
    ) -> requests.Response:
        identity = {"name": user, "password": password, "domain": {"name": domain}}
        auth: dict[str, Any] = {
            "identity": {"methods": ["password"], "password": {"user": identity}}
        }
        if scope or region:
            auth["scope"] = scope or {"project": {"name": region}}
        url = f"{sim.iam_url}/v3/auth/tokens?nocatalog=true"
        return session.post(url, json={"auth": auth}, timeout=TIMEOUT)

    return send


@pytest.fixture
def token(login: Callable[..., requests.Response]) -> Callable[[str], str]:
    """Return a function that gets a token of a region, the same one each time."""
    tokens: dict[str, str] = {}

    def of(region: str) -> str:
        if region not in tokens:
            tokens[region] = login(region).headers["X-Subject-Token"]
        return tokens[region]

    return of


@pytest.fixture
def swr(
    sim: RunningSimulator, session: requests.Session, token: Callable[[str], str]
) -> Callable[..., requests.Response]:
    """Return a function that calls SWR with a valid token; paths start after /v2/manage."""

    def call(
        method: str, path: str, *, region: str = "cn-north-4", **options: Any
    ) -> requests.Response:
        headers = {"X-Auth-Token": token(region)} | options.pop("headers", {})
        url = f"{sim.endpoints[region]}/v2/manage{path}"
        return session.request(method, url, headers=headers, timeout=TIMEOUT, **options)

    return call


@pytest.fixture
def control(sim: RunningSimulator, session: requests.Session) -> Callable[..., requests.Response]:
    """Return a function that calls the control API; paths start after /_sim."""

    def call(method: str, path: str, json: Any = None) -> requests.Response:
        return session.request(method, f"{sim.iam_url}/_sim{path}", json=json, timeout=TIMEOUT)

    return call
