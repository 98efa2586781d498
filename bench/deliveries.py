"""Measures the rate and latency of deliveries that are answered when they are on disk."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from statistics import median, quantiles

import pytest

from bench.figures import Figure, Measurement, Plot
from bench.load import LoadResult, probe, send
from bench.stage import service
from tests.postgresql import new_database

ROUNDS = 4
MANY = 32
CONNECTIONS = (1, 4, 16, 32, 64)
SERVERS = {
    "swrhook": "wsgi:app",
    "a Flask route that only parses": "bench.references:parsing",
    "a commit for each request": "bench.references:committing",
}
OURS, EMPTY, NAIVE = SERVERS


def measure() -> Measurement:
    """Load all servers alternately, so that other work of the machine affects them alike."""
    with ExitStack() as stack:
        urls = {
            name: f"{stack.enter_context(service(app=app)).url}/hooks/harbor"
            for name, app in SERVERS.items()
        }
        rounds = [{name: send(url, MANY) for name, url in urls.items()} for _ in range(ROUNDS)]
        alone = [send(urls[OURS], 1) for _ in range(ROUNDS)]
        health = {name: _health_latency(urls[name]) for name in (OURS, EMPTY)}
        curves = [
            (connections, {name: send(url, connections, 1) for name, url in urls.items()})
            for connections in CONNECTIONS
        ]
    on_postgresql, skipped = _on_postgresql()
    figures = [*_figures(rounds, alone), _health(health), *on_postgresql]
    return Measurement(figures, _plots(curves), skipped)


def _health_latency(url: str) -> float:
    """Return the p99, in ms, of a load balancer's health check during many deliveries."""
    with probe(f"{url.removesuffix('/hooks/harbor')}/readyz") as latencies:
        for _ in range(ROUNDS):
            send(url, MANY)
    return quantiles(latencies, n=100)[98]


def _health(latency: Mapping[str, float]) -> Figure:
    return Figure(
        f"p99 of /readyz while {MANY} connections deliver",
        f"{latency[OURS]:.1f} ms",
        f"{EMPTY}: {latency[EMPTY]:.1f} ms",
        latency[OURS] / latency[EMPTY],
        less_is_better=True,
    )


def _on_postgresql() -> tuple[Sequence[Figure], Sequence[str]]:
    """Measure two processes each, with PostgreSQL on this machine."""
    processes = {"WEB_CONCURRENCY": "2"}
    try:
        with ExitStack() as stack:
            database = {"SWRHOOK_DATABASE_URL": stack.enter_context(new_database())}
            urls = {
                name: f"{stack.enter_context(service(app=app, environ=environ)).url}/hooks/harbor"
                for name, app, environ in (
                    (OURS, SERVERS[OURS], {**processes, **database}),
                    # The route uses no database, but only with this setting may it have two
                    # processes.
                    (EMPTY, SERVERS[EMPTY], {**processes, **database}),
                )
            }
            rounds = [{name: send(url, MANY) for name, url in urls.items()} for _ in range(ROUNDS)]
    except pytest.skip.Exception as exc:
        return (), [f"durable answers on PostgreSQL: {exc}"]
    rates = {name: median(loads[name].per_second for loads in rounds) for name in urls}
    figure = Figure(
        f"durable answers at {MANY} connections, PostgreSQL, two processes",
        f"{rates[OURS]:.0f}/s",
        f"{EMPTY}, two processes: {rates[EMPTY]:.0f}/s",
        median(loads[OURS].per_second / loads[EMPTY].per_second for loads in rounds),
        at_least=0.2,
        moonshot=0.4,
    )
    return [figure], ()


def _figures(
    rounds: Sequence[Mapping[str, LoadResult]], alone: Sequence[LoadResult]
) -> Sequence[Figure]:
    rates = {name: median(loads[name].per_second for loads in rounds) for name in SERVERS}
    ratio = median(loads[OURS].per_second / loads[EMPTY].per_second for loads in rounds)
    return [
        Figure(
            f"durable answers at {MANY} connections, SQLite",
            f"{rates[OURS]:.0f}/s",
            f"{EMPTY}: {rates[EMPTY]:.0f}/s; {NAIVE}: {rates[NAIVE]:.0f}/s",
            ratio,
            at_least=0.45,
            moonshot=0.6,
        ),
        _latency("p50 of a single sender", median(load.p50 for load in alone), (2, 1)),
        _latency(
            f"p99 at {MANY} connections",
            median(loads[OURS].p99 for loads in rounds),
            (60, 25),
            f"{EMPTY}: {median(loads[EMPTY].p99 for loads in rounds):.1f} ms",
        ),
    ]


def _latency(name: str, value: float, bounds: tuple[float, float], reference: str = "") -> Figure:
    return Figure(
        name, f"{value:.1f} ms", reference, value, *bounds, unit="ms", less_is_better=True
    )


def _plots(curves: Sequence[tuple[int, Mapping[str, LoadResult]]]) -> Sequence[Plot]:
    def lines(names: Sequence[str], value: str) -> Mapping[str, Sequence[tuple[float, float]]]:
        return {
            f"{name}{'' if value == 'per_second' else ', ' + value}": [
                (connections, getattr(loads[name], value)) for connections, loads in curves
            ]
            for name in names
        }

    latencies = {**lines([OURS], "p50"), **lines([OURS], "p99"), **lines([NAIVE], "p99")}
    return [
        Plot(
            "throughput",
            "Durable answers per second",
            "connections",
            "answers/s",
            lines(list(SERVERS), "per_second"),
        ),
        Plot("latency", "Time to a durable answer", "connections", "ms", latencies),
    ]
