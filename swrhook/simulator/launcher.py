"""Starting a simulator: its sockets first, so that a port in use stops it before anything runs."""

import socket
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import datetime
from types import TracebackType
from typing import TYPE_CHECKING, Self

from werkzeug.middleware.dispatcher import DispatcherMiddleware

from swrhook.simulator import control, iam_app, metadata, swr_app
from swrhook.simulator.http_server import Server
from swrhook.simulator.model import (
    DEMO,
    EVERYWHERE,
    Scenario,
    SeedOrganization,
    Settings,
    Setup,
    User,
)
from swrhook.simulator.state import State, utc_now

if TYPE_CHECKING:
    from _typeshed.wsgi import WSGIApplication

REGIONS = ("cn-north-4", "cn-east-3", "ap-southeast-1")
_BACKLOG = 1024


@dataclass(frozen=True, slots=True)
class RunningSimulator:
    """A simulator that answers until it is closed; `endpoints` are the URLs of its regions."""

    iam_url: str
    endpoints: Mapping[str, str]
    state: State
    servers: Sequence[Server]

    @property
    def metadata_url(self) -> str:
        """Where a server would find its metadata."""
        return self.iam_url + metadata.PREFIX

    @property
    def pod_url(self) -> str:
        """Where a pod would find its keys."""
        return f"{self.metadata_url}/pod"

    def close(self) -> None:
        """Stop answering, and close all connections."""
        for server in self.servers:
            server.close()
        self.state.close()

    def __enter__(self) -> Self:
        """Give the simulator."""
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        """Close the simulator."""
        self.close()


def start(  # noqa: PLR0913 - each is a choice of its own, and has a default
    regions: Sequence[str] = REGIONS,
    *,
    port: int = 0,
    bind: str = "127.0.0.1",
    delay: float | None = None,
    mirror: Mapping[str, str] | None = None,
    organizations: Sequence[str] = ("group",),
    users: Sequence[User] = (DEMO,),
    settings: Settings = Settings(),  # noqa: B008 - a frozen value
    scenario: Scenario = Scenario(),  # noqa: B008
    clock: Callable[[], datetime] = utc_now,
) -> RunningSimulator:
    """Start IAM on a port and each region on the next ones; port 0 takes free ports for all.

    The organizations are created in every region. An OSError tells that a port is not free.
    """
    if delay is not None:
        settings = replace(settings, delay=delay)
    common = [SeedOrganization(EVERYWHERE, name) for name in organizations]
    setup = Setup(
        regions=regions,
        mirror=mirror or {},
        users=users,
        settings=settings,
        scenario=replace(scenario, organizations=[*common, *scenario.organizations]),
    )
    return _serve(State(setup, clock), _listen(bind, port, count=1 + len(regions)))


def _listen(bind: str, port: int, *, count: int) -> Sequence[socket.socket]:
    ports = [port + number if port else 0 for number in range(count)]
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    with ExitStack() as stack:
        listeners = [
            stack.enter_context(
                socket.create_server((bind, number), family=family, backlog=_BACKLOG)
            )
            for number in ports
        ]
        stack.pop_all()
    return listeners


def _serve(state: State, listeners: Sequence[socket.socket]) -> RunningSimulator:
    sim = control.create_app(state)
    apps = [iam_app.create_app(state), *(swr_app.create_app(state, name) for name in state.regions)]
    servers = [
        Server(listener, _with_control(app, sim))
        for listener, app in zip(listeners, apps, strict=True)
    ]
    for server in servers:
        server.start()
    urls = [server.url for server in servers]
    endpoints = dict(zip(state.regions, urls[1:], strict=True))
    return RunningSimulator(urls[0], endpoints, state, servers)


def _with_control(app: "WSGIApplication", sim: "WSGIApplication") -> "WSGIApplication":
    return DispatcherMiddleware(app, {"/_sim": sim})
