"""How many deliveries a second are answered when they are on disk, and how soon each is."""

from collections.abc import Mapping, Sequence
from contextlib import ExitStack
from statistics import median, quantiles

import pytest

from bench.figures import Figure, Findings, Plot
from bench.load import Load, asking, send
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


def measure() -> Findings:
    """Ask all servers in turn: what else the machine does strikes them alike."""
    with ExitStack() as stack:
        urls = {
            name: f"{stack.enter_context(service(app=app)).url}/hooks/harbor"
            for name, app in SERVERS.items()
        }
        rounds = [{name: send(url, MANY) for name, url in urls.items()} for _ in range(ROUNDS)]
        alone = [send(urls[OURS], 1) for _ in range(ROUNDS)]
        asked = {name: _asked(urls[name]) for name in (OURS, EMPTY)}
        curves = [
            (connections, {name: send(url, connections, 1) for name, url in urls.items()})
            for connections in CONNECTIONS
        ]
    on_a_server, skipped = _on_postgresql()
    return Findings(
        [*_figures(rounds, alone), _health(asked), *on_a_server], _plots(curves), skipped
    )


def _asked(url: str) -> float:
    """Return the p99, in ms, of a load balancer's question while many deliver."""
    with asking(f"{url.removesuffix('/hooks/harbor')}/readyz") as took:
        for _ in range(ROUNDS):
            send(url, MANY)
    return quantiles(took, n=100)[98]


def _health(asked: Mapping[str, float]) -> Figure:
    return Figure(
        f"p99 of /readyz beside {MANY} connections that deliver",
        f"{asked[OURS]:.1f} ms",
        f"{EMPTY}: {asked[EMPTY]:.1f} ms",
        asked[OURS] / asked[EMPTY],
        less_is_better=True,
    )


def _on_postgresql() -> tuple[Sequence[Figure], Sequence[str]]:
    """Do the same with two processes each, and PostgreSQL on this machine."""
    processes = {"WEB_CONCURRENCY": "2"}
    try:
        with ExitStack() as stack:
            database = {"SWRHOOK_DATABASE_URL": stack.enter_context(new_database())}
            urls = {
                name: f"{stack.enter_context(service(app=app, environ=environ)).url}/hooks/harbor"
                for name, app, environ in (
                    (OURS, SERVERS[OURS], {**processes, **database}),
                    # The route has no database; the service's settings allow it two processes.
                    (EMPTY, SERVERS[EMPTY], {**processes, **database}),
                )
            }
            rounds = [{name: send(url, MANY) for name, url in urls.items()} for _ in range(ROUNDS)]
    except pytest.skip.Exception as exc:
        return (), [f"durable answers on PostgreSQL: {exc}"]
    rates = {name: median(each[name].per_second for each in rounds) for name in urls}
    figure = Figure(
        f"durable answers at {MANY} connections, PostgreSQL, two processes",
        f"{rates[OURS]:.0f}/s",
        f"{EMPTY}, two processes: {rates[EMPTY]:.0f}/s",
        median(each[OURS].per_second / each[EMPTY].per_second for each in rounds),
        at_least=0.2,
        moonshot=0.4,
    )
    return [figure], ()


def _figures(rounds: Sequence[Mapping[str, Load]], alone: Sequence[Load]) -> Sequence[Figure]:
    rates = {name: median(each[name].per_second for each in rounds) for name in SERVERS}
    ratio = median(each[OURS].per_second / each[EMPTY].per_second for each in rounds)
    return [
        Figure(
            f"durable answers at {MANY} connections, SQLite",
            f"{rates[OURS]:.0f}/s",
            f"{EMPTY}: {rates[EMPTY]:.0f}/s; {NAIVE}: {rates[NAIVE]:.0f}/s",
            ratio,
            at_least=0.45,
            moonshot=0.7,
        ),
        _time("p50 of one sender that waits", median(each.p50 for each in alone), (2, 1)),
        _time(
            f"p99 at {MANY} connections",
            median(each[OURS].p99 for each in rounds),
            (60, 25),
            f"{EMPTY}: {median(each[EMPTY].p99 for each in rounds):.1f} ms",
        ),
    ]


def _time(what: str, value: float, bounds: tuple[float, float], reference: str = "") -> Figure:
    return Figure(
        what, f"{value:.1f} ms", reference, value, *bounds, unit="ms", less_is_better=True
    )


def _plots(curves: Sequence[tuple[int, Mapping[str, Load]]]) -> Sequence[Plot]:
    def lines(names: Sequence[str], what: str) -> Mapping[str, Sequence[tuple[float, float]]]:
        return {
            f"{name}{'' if what == 'per_second' else ', ' + what}": [
                (connections, getattr(loads[name], what)) for connections, loads in curves
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
