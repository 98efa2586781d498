"""Measures the CPU time of a fresh answer of the availability call.

The reference is a route of the same application that checks the same token, parses the same
parameters, and answers with nothing. Both are called in this process, without sockets.
"""

import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from flask import Flask
from werkzeug.test import EnvironBuilder

from bench.figures import Figure, Measurement
from swrhook import logs
from swrhook.ledger.database import open_database
from swrhook.ledger.observations import keep_observations
from swrhook.syncs.observations import Place, TagObservation
from swrhook.web.api.availability import AvailabilitySchema
from swrhook.web.api.queries import AvailabilityQuery
from swrhook.web.api.routing import Routes
from swrhook.web.context import WebContext
from tests.web.harness import DIGEST, EAST, READ, WebHarness

REQUESTS, ROUNDS = 100, 100
_QUERY = "image=team/web:v1&max_age=1h"
_REGIONS = ("cn-north-4", EAST.region)


def measure() -> Measurement:
    """Answer about one image that is available, from what the ledger has."""
    logs.configure("json", "WARNING")
    with (
        tempfile.TemporaryDirectory() as folder,
        closing(open_database(f"sqlite:///{Path(folder) / 'ledger.db'}")) as database,
    ):
        harness = WebHarness(database)
        harness.push("team/web:v1", EAST)
        places = [Place(region, "team", "web", "v1") for region in _REGIONS]
        with database.write() as connection:
            now = datetime.now(UTC)
            keep_observations(connection, [TagObservation(place, DIGEST, now) for place in places])
        web = harness.own_web()
        web.register_blueprint(_empty(harness.context), url_prefix="/api/v1")
        paths = ("/healthz", "/api/v1/empty", "/api/v1/availability")
        alive, empty, fresh = _alternate(*(_request(web, path) for path in paths))
        assert not harness.looks
    figure = Figure(
        "CPU of a fresh answer of /api/v1/availability",
        f"{fresh:.0f} µs",
        f"a route with the same token and parameters: {empty:.0f} µs; /healthz: {alive:.0f} µs",
        fresh / empty,
        at_least=2,
        moonshot=1.5,
        less_is_better=True,
    )
    return Measurement([figure])


def _empty(context: WebContext) -> Routes:
    routes = Routes("empty", "", context.large_pages)

    @routes.get("/empty", AvailabilitySchema, AvailabilityQuery)
    def answer(_query: dict[str, Any]) -> dict[str, Any]:
        return {"items": []}

    return routes


def _request(web: Flask, path: str) -> Callable[[], None]:
    """Return a function that sends one request."""
    headers = [("Authorization", f"Bearer {READ}")]
    environ = EnvironBuilder(path, query_string=_QUERY, headers=headers).get_environ()

    def start_response(status: str, *_: object) -> Any:
        assert status == "200 OK"

    def send() -> None:
        b"".join(web({**environ}, start_response))

    return send


def _alternate(*requests: Callable[[], None]) -> list[float]:
    """Return the µs of CPU time that each request takes: the least of some rounds in turn."""
    rounds: list[list[float]] = [[] for _ in requests]
    for _ in range(ROUNDS):
        for request, times in zip(requests, rounds, strict=True):
            began = time.process_time()
            for _ in range(REQUESTS):
                request()
            times.append((time.process_time() - began) / REQUESTS * 1e6)
    return [min(times) for times in rounds]
