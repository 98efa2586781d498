"""A served API, and a way to run commands against it."""

from collections.abc import Callable, Iterator
from threading import Thread

import pytest
from click.testing import CliRunner, Result
from flask import Flask
from werkzeug.serving import make_server

from swrhook.cli import main
from swrhook.ledger.database import Database
from tests.web.harness import READ, WebHarness

Run = Callable[..., Result]


@pytest.fixture
def serve() -> Iterator[Callable[[Flask], str]]:
    """Return a function that serves an app on loopback and returns its address."""
    servers = []

    def start(app: Flask) -> str:
        server = make_server("127.0.0.1", 0, app, threaded=True)
        servers.append(server)
        Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True).start()
        return f"http://127.0.0.1:{server.port}"

    yield start
    for server in servers:
        server.shutdown()
        server.server_close()


@pytest.fixture
def harness(database: Database) -> WebHarness:
    return WebHarness(database)


@pytest.fixture
def url(harness: WebHarness, serve: Callable[[Flask], str]) -> str:
    """The address of a server that accepts the tokens READ, OPERATE and ADMIN."""
    return serve(harness.web)


@pytest.fixture
def run(url: str) -> Run:
    """Return a function that runs a command against the server, with environment variables."""

    def command(*arguments: str, **environ: str | None) -> Result:
        defaults = {"SWRHOOK_URL": url, "SWRHOOK_TOKEN": READ, "NO_PROXY": "127.0.0.1"}
        return CliRunner().invoke(main, list(arguments), env={**defaults, **environ})

    return command
