"""The composition root: the only file that knows every part. `python app.py` serves development."""

import gc
import os
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from random import SystemRandom
from signal import SIGINT, SIGTERM, signal
from threading import Event
from time import monotonic

from flask import Flask
from sqlalchemy import Connection

from swrhook import logs
from swrhook.config.model import Config
from swrhook.config.watcher import WatchedFile
from swrhook.engine import Engine
from swrhook.engine.sqlite import SqliteEngine
from swrhook.errors import BadConfiguration, SwrhookError
from swrhook.ledger.database import Database, open_database
from swrhook.ledger.deliveries import Recording
from swrhook.ledger.kept_state import RefusedCredentials
from swrhook.ledger.operator import Operator
from swrhook.ledger.recorder import Recorder
from swrhook.ledger.server_clock import ServerClock
from swrhook.ledger.syncs import release_regions
from swrhook.metrics import SHARED, Metrics
from swrhook.model import DeliveryEntry, Lane, Receipt
from swrhook.sender_keys import HttpsKeyProvider, HttpsSettings, find_proxies
from swrhook.service.config_reload import ConfigReloader
from swrhook.service.gunicorn_workers import LEAVING
from swrhook.service.hot_swap import HotSwap
from swrhook.service.outcome_log import OutcomeLog
from swrhook.service.retention import Retention
from swrhook.service.sender_monitor import SenderActivity, SenderMonitor
from swrhook.settings import Settings, check_worker
from swrhook.swr.auth.lockout import precompute_fingerprint
from swrhook.swr.client import SwrClient
from swrhook.swr.http import Network
from swrhook.web import create_web
from swrhook.web.health import Health
from swrhook.web.worker_endpoint import serve_worker_endpoint
from swrhook.worker.admission import Admission
from swrhook.worker.circuit_breaker import CircuitBreakers
from swrhook.worker.gateway import SwrGateway
from swrhook.worker.lane_runner import LaneRunner
from swrhook.worker.rate_limiter import AdaptiveRateLimiter
from swrhook.worker.repair_worker import RepairWorker
from swrhook.worker.target_cache import TargetCache


@dataclass(frozen=True, slots=True)
class InUse:
    """A configuration and what is made from it: replaced together, so that a run sees one whole."""

    config: Config
    swr: SwrClient
    runner: LaneRunner


# From a client, the only way to it: all of them share one knowledge of SWR's endpoints.
MakeTraffic = Callable[[SwrClient], SwrGateway]
# The time: of this machine or, where several share a ledger, of the database.
Clock = Callable[[], datetime]
# From a configuration and what was in use before it.
Make = Callable[[Config, InUse | None], InUse]


@dataclass(frozen=True, slots=True)
class Service:
    """A running service: its WSGI application, and the way to end it."""

    web: Flask
    engine: Engine
    repairer: RepairWorker | None
    watch: SenderMonitor
    reload: ConfigReloader
    retention: Retention
    recorder: Recorder
    current: HotSwap[InUse]
    database: Database

    def start(self) -> None:
        """Begin to work on what the ledger holds."""
        self.engine.start()
        if self.repairer is not None:  # and so this process asks SWR
            precompute_fingerprint(self.current.value.config.swr.credentials)
            self.repairer.start()
        self.watch.start()
        self.reload.start()
        self.retention.start()

    def stop(self) -> None:
        """Write what was accepted, finish the calls in flight, and let the next process in."""
        self.reload.stop()
        self.retention.stop()
        self.recorder.close()
        if self.repairer is not None:
            self.repairer.stop()
        self.engine.stop()
        self.watch.stop()
        self.current.value.swr.close()
        self.database.close()


def create_service(settings: Settings, environ: Mapping[str, str]) -> Service:
    """Put the parts together. Raises BadConfiguration and LedgerUnusable."""
    logs.configure(settings.log_format, settings.log_level)
    database = open_database(settings.database_url)
    metrics = Metrics(environ.get(SHARED))
    outside = HttpsKeyProvider(
        HttpsSettings(find_proxies, environ.get("REQUESTS_CA_BUNDLE")), monotonic
    )
    reload = ConfigReloader(WatchedFile(settings.config, environ, outside), database, metrics, now)
    try:
        config = reload.load_initial(environ, outside)
    except BadConfiguration:
        database.close()
        raise
    _warn_of_no_workers(settings)
    reporter = OutcomeLog(metrics)
    clock: Clock = now if database.is_sqlite else ServerClock(database, now)

    def hurry(lane: Lane) -> None:
        engine.run_now(lane)

    make = _maker(
        settings,
        environ,
        database,
        reporter,
        _traffic(
            Admission(AdaptiveRateLimiter(), settings.workers, hurry, alone=database.is_sqlite),
            metrics,
        ),
        clock,
    )
    current = HotSwap(make(config, None), lambda old: _end(old, current.value))
    metrics.register_endpoints(lambda: current.value.runner.traffic.endpoints(current.value.config))
    engine = _engine(settings, database, current, clock)

    reload.subscribe(
        lambda config: current.swap(make(config, current.value)),
        lambda before, after: _go_on(before, after, engine, database, clock),
    )
    recorder, operator = _writers(database, engine, reporter, clock)
    told = Health(
        checks={"ledger": recorder.check, "engine": engine.check},
        notes={"configuration": reload.wrong},
        configuration=reload.in_use,
    )
    web = create_web(lambda: current.value.config, _at(clock, recorder), operator, metrics, told)
    watch, retention = _periodic(database, current, clock, metrics)
    return Service(
        web,
        engine,
        _repairer(settings, database, current, operator, clock),
        watch,
        reload,
        retention,
        recorder,
        current,
        database,
    )


def _periodic(
    database: Database, current: HotSwap[InUse], clock: Clock, metrics: Metrics
) -> tuple[SenderMonitor, Retention]:
    """Return what looks at senders that fall silent, and at what is old, now and then."""

    def config() -> Config:
        return current.value.config

    watch = SenderMonitor(SenderActivity(database, config, now))
    return watch, Retention(database, config, clock, metrics)


def _warn_of_no_workers(settings: Settings) -> None:
    if settings.workers == 0 and settings.on_sqlite:
        logs.warning("service.records_only", remedy="set SWRHOOK_WORKERS, or nothing is synced")


def _traffic(admission: Admission, metrics: Metrics) -> MakeTraffic:
    """Return the way to SWR; what it knows of pauses goes by a clock that nobody sets."""
    breakers, preflight = CircuitBreakers(), TargetCache()
    began = now() - timedelta(seconds=monotonic())

    def steady() -> datetime:
        return began + timedelta(seconds=monotonic())

    return lambda swr: SwrGateway(swr, admission, breakers, preflight, metrics, steady)


def _maker(
    settings: Settings,
    environ: Mapping[str, str],
    database: Database,
    reporter: OutcomeLog,
    traffic: MakeTraffic,
    clock: Clock,
) -> Make:
    """Return the function that makes what a configuration needs to be used."""
    refused = RefusedCredentials(database, now)

    def client(config: Config, before: InUse | None) -> SwrClient:
        if before is not None and _reaches_alike(config, before.config):
            return before.swr
        network = Network(
            config.options.timeouts,
            pool_size=settings.workers + 2,  # the lanes, the repairer, and one to spare
            find_proxies=find_proxies,
            certificates=environ.get("REQUESTS_CA_BUNDLE"),
        )
        made = SwrClient(config.swr, network, refused, now)
        if before is not None:
            made.reuse_authenticator(before.swr)
        return made

    def make(config: Config, before: InUse | None) -> InUse:
        swr = client(config, before)
        report, rng = reporter.sync, SystemRandom()
        return InUse(
            config, swr, LaneRunner(database, traffic(swr), lambda: config, report, clock, rng)
        )

    return make


def _engine(
    settings: Settings, database: Database, current: HotSwap[InUse], clock: Clock
) -> Engine:
    def run(lane: Lane, until: datetime) -> datetime | None:
        with current.lease() as in_use:
            return in_use.runner.run(lane, until)

    if database.is_sqlite:
        return SqliteEngine(database, run, settings.workers)
    from swrhook.engine.postgresql import PostgresEngine  # noqa: PLC0415  # heavy, and SQLite needs none

    return PostgresEngine(database, run, settings.workers, clock)


def _repairer(
    settings: Settings,
    database: Database,
    current: HotSwap[InUse],
    operator: Operator,
    clock: Clock,
) -> RepairWorker | None:
    """Return who compares and mends; nobody in a process that only records."""
    if settings.workers == 0:
        return None

    @contextmanager
    def held() -> Iterator[tuple[Config, SwrGateway]]:
        with current.lease() as in_use:
            yield in_use.config, in_use.runner.traffic

    return RepairWorker(database, held, operator.wake, clock)


def _writers(
    database: Database, engine: Engine, reporter: OutcomeLog, clock: Clock
) -> tuple[Recorder, Operator]:
    """Return who records what senders deliver, and who does what people wish."""

    def wake(lanes: Sequence[Lane], connection: Connection) -> None:
        engine.wake(lanes, clock(), connection)

    def recorded(recording: Recording) -> None:
        reporter.deliveries(recording, clock())

    recorder = Recorder(database, wake, recorded)
    return recorder, Operator(database, wake, reporter.sync, recorded)


def _at(clock: Clock, recorder: Recorder) -> Callable[[DeliveryEntry], Receipt]:
    """Return the way to record a delivery as one of now, by the clock that its syncs go by."""
    if clock is now:  # and so it is dated already
        return recorder.record
    return lambda entry: recorder.record(replace(entry, received_at=clock()))


def _go_on(before: Config, after: Config, engine: Engine, database: Database, clock: Clock) -> None:
    """Wake what was held for a region that is there again."""
    added = after.swr.regions.keys() - before.swr.regions.keys()
    if added:
        with database.write() as connection:
            engine.wake(release_regions(connection, added, clock()), clock(), connection)


def _end(old: InUse, new: InUse) -> None:
    """Close what only the old one used."""
    if old.swr is not new.swr:
        old.swr.close()


def _reaches_alike(one: Config, other: Config) -> bool:
    return one.swr == other.swr and one.options.timeouts == other.options.timeouts


def now() -> datetime:
    """Return the time: the clock of every part."""
    return datetime.now(UTC)


def start_service() -> Service:
    """Start a service as the environment says. Raises BadConfiguration and LedgerUnusable."""
    service = create_service(Settings.from_environ(os.environ), os.environ)
    service.start()
    _spare_the_collector()
    return service


def _spare_the_collector() -> None:
    """Look for garbage cycles less often: what was made so far stays, requests leave hardly any."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(10_000, 20, 20)


def serve_development() -> None:
    """Serve on port 8080, for whoever changes swrhook. Raises as `start_service`."""
    service = start_service()
    try:
        service.web.run(port=8080, threaded=True)
    finally:
        service.stop()


def work() -> None:
    """Work until a signal, and take no deliveries. Raises as `start_service`."""
    settings = Settings.from_environ(os.environ)
    check_worker(settings)
    ended = Event()
    for number in (SIGTERM, SIGINT):
        signal(number, lambda _number, _frame: ended.set())
    service = create_service(settings, os.environ)
    beside = (
        serve_worker_endpoint(service.web, settings.metrics_bind) if settings.metrics_bind else None
    )
    service.start()
    logs.event("worker.started", workers=settings.workers)
    ended.wait()
    service.web.extensions[LEAVING].set()
    service.stop()
    if beside is not None:
        beside.shutdown()
    logs.event("worker.stopped")


if __name__ == "__main__":
    try:
        work() if sys.argv[1:] == ["worker"] else serve_development()
    except SwrhookError as exc:
        sys.exit(f"swrhook cannot start:\n{exc}")
