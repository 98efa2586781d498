"""The composition root: makes every part of a process once, and hands it its collaborators."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from random import SystemRandom
from time import monotonic

from flask import Flask

from swrhook import logs
from swrhook.clock import Clock, SteadyClock, SystemClock
from swrhook.config.model import Config
from swrhook.config.watcher import WatchedFile
from swrhook.engine import Engine
from swrhook.engine.sqlite import SqliteEngine
from swrhook.ledger.database import Database, open_database
from swrhook.ledger.kept_state import RefusedCredentials
from swrhook.ledger.operator import Operator
from swrhook.ledger.recorder import Recorder
from swrhook.ledger.server_clock import ServerClock
from swrhook.ledger.syncs import release_regions
from swrhook.metrics import MULTIPROCESS_FOLDER, Metrics
from swrhook.model import Lane
from swrhook.sender_keys import HttpsKeyProvider, HttpsSettings, find_proxies
from swrhook.service.config_reload import ConfigReloader
from swrhook.service.health import Health
from swrhook.service.hot_swap import HotSwap
from swrhook.service.metrics_collectors import endpoint_collector, register_ledger
from swrhook.service.outcome_log import OutcomeLog
from swrhook.service.retention import Retention
from swrhook.service.sender_monitor import SenderActivity, SenderMonitor
from swrhook.settings import Settings
from swrhook.swr.auth.lockout import precompute_fingerprint
from swrhook.swr.client import SwrClient
from swrhook.swr.http import Network
from swrhook.web import create_web
from swrhook.web.context import WebContext
from swrhook.worker.admission import Admission
from swrhook.worker.circuit_breaker import CircuitBreakers
from swrhook.worker.gateway import Endpoint, SwrGateway
from swrhook.worker.lane_runner import LaneRunner
from swrhook.worker.rate_limiter import AdaptiveRateLimiter
from swrhook.worker.repair_worker import RepairWorker
from swrhook.worker.target_cache import TargetCache


@dataclass(frozen=True, slots=True)
class Active:
    """A configuration and what is made from it: replaced together, so that a run sees one whole."""

    config: Config
    swr: SwrClient
    gateway: SwrGateway
    runner: LaneRunner


class ActiveConfiguration:
    """The configuration in use, as the rest of the process sees it; a reload replaces it.

    It is the process's ConfigSource, its engine's LaneWork and the reloader's ConfigSubscriber.
    """

    def __init__(self, container: "Container", config: Config) -> None:
        self._container = container
        self._swap = HotSwap(container.make_active(config, None), self._close)
        self.lease = self._swap.lease

    @property
    def active(self) -> Active:
        """Return what is in use now."""
        return self._swap.value

    def current(self) -> Config:
        """Return the configuration in use now."""
        return self.active.config

    def run(self, lane: Lane, until: datetime) -> datetime | None:
        """Run a lane; what it uses is not closed by a reload before the run ends."""
        with self.lease() as active:
            return active.runner.run(lane, until)

    def use(self, config: Config) -> None:
        """Put a new configuration in use."""
        self._swap.swap(self._container.make_active(config, self.active))

    def resume(self, before: Config, after: Config) -> None:
        """Wake the lanes that were held because their region was not configured."""
        added = after.swr.regions.keys() - before.swr.regions.keys()
        if not added:
            return
        container = self._container
        with container.database.write() as connection:
            now = container.clock.now()
            container.engine.wake(release_regions(connection, added, now), now, connection)

    def endpoints(self) -> Sequence[Endpoint]:
        """Return how each configured region is asked."""
        active = self.active
        return active.gateway.endpoints(active.config)

    def _close(self, old: Active) -> None:
        if old.swr is not self.active.swr:
            old.swr.close()


class Container:
    """The parts of one process. Each is made when it is first used.

    Raises BadConfiguration and LedgerUnusable when it is created.
    """

    def __init__(self, settings: Settings, environ: Mapping[str, str]) -> None:
        self.settings = settings
        self.environ = environ
        self.system_clock: Clock = SystemClock()
        logs.configure(settings.log_format, settings.log_level)
        self.database: Database = open_database(settings.database_url)
        try:
            config = self.config_reloader.load_initial(environ, self.key_provider)
        except BaseException:
            self.database.close()
            raise
        self.configuration = ActiveConfiguration(self, config)
        self.config_reloader.subscribe(self.configuration)
        self.metrics.register(endpoint_collector(self.configuration.endpoints))
        register_ledger(self.metrics, self.database, self.sender_activity, self.system_clock)
        if settings.workers == 0 and settings.on_sqlite:
            logs.warning("service.records_only", remedy="set SWRHOOK_WORKERS, or nothing is synced")

    def start(self) -> None:
        """Start to work on what the ledger holds."""
        self.engine.start()
        if self.repair_worker is not None:
            precompute_fingerprint(self.configuration.current().swr.credentials)
            self.repair_worker.start()
        self.sender_monitor.start()
        self.config_reloader.start()
        self.retention.start()

    def stop(self) -> None:
        """Write what was accepted, finish the calls in flight, and release the ledger."""
        self.config_reloader.stop()
        self.retention.stop()
        self.recorder.close()
        if self.repair_worker is not None:
            self.repair_worker.stop()
        self.engine.stop()
        self.sender_monitor.stop()
        self.configuration.active.swr.close()
        self.database.close()

    @cached_property
    def clock(self) -> Clock:
        """The ledger's time: of this machine or, where several share a ledger, of the database."""
        if self.database.is_sqlite:
            return self.system_clock
        return ServerClock(self.database, self.system_clock)

    @cached_property
    def metrics(self) -> Metrics:
        return Metrics(self.environ.get(MULTIPROCESS_FOLDER))

    @cached_property
    def key_provider(self) -> HttpsKeyProvider:
        certificates = self.environ.get("REQUESTS_CA_BUNDLE")
        return HttpsKeyProvider(HttpsSettings(find_proxies, certificates), monotonic)

    @cached_property
    def config_reloader(self) -> ConfigReloader:
        file = WatchedFile(self.settings.config, self.environ, self.key_provider)
        return ConfigReloader(file, self.database, self.metrics, self.system_clock)

    @cached_property
    def outcome_log(self) -> OutcomeLog:
        return OutcomeLog(self.metrics)

    @cached_property
    def engine(self) -> Engine:
        if self.database.is_sqlite:
            return SqliteEngine(self.database, self.configuration, self.settings.workers)
        from swrhook.engine.postgresql import PostgresEngine  # noqa: PLC0415  # heavy; not on SQLite

        return PostgresEngine(self.database, self.configuration, self.settings.workers, self.clock)

    @cached_property
    def recorder(self) -> Recorder:
        return Recorder(self.database, self.engine, self.outcome_log, self.clock)

    @cached_property
    def operator(self) -> Operator:
        return Operator(self.database, self.engine, self.outcome_log, self.clock)

    @cached_property
    def repair_worker(self) -> RepairWorker | None:
        """None in a process that only records."""
        if self.settings.workers == 0:
            return None
        return RepairWorker(self.database, self.configuration, self.engine, self.clock)

    @cached_property
    def retention(self) -> Retention:
        return Retention(self.database, self.configuration, self.clock, self.metrics)

    @cached_property
    def sender_activity(self) -> SenderActivity:
        return SenderActivity(self.database, self.configuration, self.system_clock)

    @cached_property
    def sender_monitor(self) -> SenderMonitor:
        return SenderMonitor(self.sender_activity)

    @cached_property
    def health(self) -> Health:
        return Health(
            checks={"ledger": self.recorder.check, "engine": self.engine.check},
            notes={"configuration": self.config_reloader.wrong},
            configuration=self.config_reloader.in_use,
        )

    @cached_property
    def web(self) -> Flask:
        """The WSGI application."""
        return create_web(
            WebContext(
                config=self.configuration,
                clock=self.system_clock,
                database=self.database,
                recorder=self.recorder,
                operator=self.operator,
                metrics=self.metrics,
                health=self.health,
                senders=self.sender_activity,
            )
        )

    # What this process has learnt of SWR's endpoints survives a reload.

    @cached_property
    def admission(self) -> Admission:
        def wake(lane: Lane) -> None:
            self.engine.run_now(lane)  # the engine needs the admission: it is made after it

        return Admission(
            AdaptiveRateLimiter(), self.settings.workers, wake, alone=self.database.is_sqlite
        )

    @cached_property
    def circuit_breakers(self) -> CircuitBreakers:
        return CircuitBreakers()

    @cached_property
    def target_cache(self) -> TargetCache:
        return TargetCache()

    @cached_property
    def steady_clock(self) -> Clock:
        return SteadyClock()

    def make_active(self, config: Config, before: Active | None) -> Active:
        """Return what a configuration needs to be used, with what can stay of the one before."""
        swr = self._swr_client(config, before)
        gateway = SwrGateway(
            swr,
            self.admission,
            self.circuit_breakers,
            self.target_cache,
            self.metrics,
            self.steady_clock,
        )
        runner = LaneRunner(
            self.database, gateway, config, self.outcome_log, self.clock, SystemRandom()
        )
        return Active(config, swr, gateway, runner)

    def _swr_client(self, config: Config, before: Active | None) -> SwrClient:
        timeouts = config.options.timeouts
        if (
            before is not None
            and config.swr == before.config.swr
            and timeouts == before.config.options.timeouts
        ):
            return before.swr
        network = Network(
            timeouts,
            pool_size=self.settings.workers + 2,  # the lanes, the repair worker, and one to spare
            find_proxies=find_proxies,
            certificates=self.environ.get("REQUESTS_CA_BUNDLE"),
        )
        refused = RefusedCredentials(self.database, self.system_clock)
        client = SwrClient(config.swr, network, refused, self.system_clock)
        if before is not None:
            client.reuse_authenticator(before.swr)
        return client
