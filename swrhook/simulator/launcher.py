"""Start of a simulator: IAM and one server per region, each on its own port."""

import socket
from collections.abc import Mapping, Sequence
from contextlib import AbstractContextManager, ExitStack
from dataclasses import dataclass, replace
from functools import partial

from werkzeug.middleware.dispatcher import DispatcherMiddleware

from swrhook.clock import Clock, SystemClock
from swrhook.simulator import control, iam_app, metadata, model, swr_app
from swrhook.simulator.http_server import Server
from swrhook.simulator.state import State
from swrhook.swr.recordings import Exchange

REGIONS = ("cn-north-4", "cn-east-3", "ap-southeast-1")
_BACKLOG = 1024


@dataclass(frozen=True, slots=True)
class RunningSimulator(AbstractContextManager["RunningSimulator"]):
    """A running simulator; `endpoints` are the URLs of its regions by name."""

    iam_url: str
    endpoints: Mapping[str, str]
    state: State
    servers: Sequence[Server]

    @property
    def metadata_url(self) -> str:
        """Return the base URL of an ECS server's metadata service."""
        return self.iam_url + metadata.PREFIX

    @property
    def pod_url(self) -> str:
        """Return the URL where a pod obtains keys."""
        return f"{self.metadata_url}/pod"

    def close(self) -> None:
        """Stop all servers and close all connections."""
        for server in self.servers:
            server.close()
        self.state.close()

    def __exit__(self, *_error: object) -> None:
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
    users: Sequence[model.User] = (model.DEMO,),
    settings: model.Settings = model.Settings(),  # noqa: B008 - a frozen value
    scenario: model.Scenario = model.Scenario(),  # noqa: B008
    recorded: Sequence[Exchange] = (),
    clock: Clock = SystemClock(),  # noqa: B008
) -> RunningSimulator:
    """Start IAM on a port and the regions on the next ones; port 0 selects free ports for all.

    `delay` overrides that of the settings, in seconds. The organizations are created in every
    region. `recorded` answers are given to their requests. Raises OSError if a port is in use.
    """
    if delay is not None:
        settings = replace(settings, delay=delay)
    common = [model.SeedOrganization(model.EVERYWHERE, name) for name in organizations]
    scenario = replace(scenario, organizations=[*common, *scenario.organizations])
    setup = model.Setup(regions, mirror or {}, users, settings, scenario, recorded)
    # The sockets come first, so that a port in use prevents the start of all servers.
    return _serve(State(setup, clock), _listen(bind, port, count=1 + len(regions)))


def _listen(bind: str, port: int, *, count: int) -> Sequence[socket.socket]:
    ports = [port + number if port else 0 for number in range(count)]
    family = socket.AF_INET6 if ":" in bind else socket.AF_INET
    create = partial(socket.create_server, family=family, backlog=_BACKLOG)
    with ExitStack() as stack:
        listeners = [stack.enter_context(create((bind, number))) for number in ports]
        stack.pop_all()
    return listeners


def _serve(state: State, listeners: Sequence[socket.socket]) -> RunningSimulator:
    sim = control.create_app(state)
    apps = [iam_app.create_app(state), *(swr_app.create_app(state, name) for name in state.regions)]
    servers = [
        Server(listener, DispatcherMiddleware(app, {"/_sim": sim}))
        for listener, app in zip(listeners, apps, strict=True)
    ]
    for server in servers:
        server.start()
    urls = [server.url for server in servers]
    endpoints = dict(zip(state.regions, urls[1:], strict=True))
    return RunningSimulator(urls[0], endpoints, state, servers)
