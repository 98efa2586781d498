"""The composition root: a list of the parts of a process, and what each is made from."""

from collections.abc import Mapping
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
from swrhook.metrics import MULTIPROCESS_FOLDER, Metrics
from swrhook.model import Lane
from swrhook.sender_keys import HttpsKeyProvider, HttpsSettings, find_proxies
from swrhook.service.active_configuration import Active, ActiveConfiguration, HeldLanes
from swrhook.service.config_reload import ConfigReloader
from swrhook.service.health import Health
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
from swrhook.worker.gateway import SwrGateway
from swrhook.worker.lane_runner import LaneRunner
from swrhook.worker.rate_limiter import AdaptiveRateLimiter
from swrhook.worker.repair_worker import RepairWorker
from swrhook.worker.target_cache import TargetCache


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
            self.database.close()  # otherwise the ledger would stay locked
            raise
        self.configuration = ActiveConfiguration(self, config)
        self.config_reloader.subscribe(
            self.configuration, HeldLanes(self.database, self.engine, self.clock)
        )
        self.metrics.register(endpoint_collector(self.configuration.endpoints))
        register_ledger(self.metrics, self.database, self.sender_activity, self.system_clock)
        if settings.workers == 0 and settings.on_sqlite:
            logs.warning("service.records_only", remedy="set SWRHOOK_WORKERS, or nothing is synced")

    def start(self) -> None:
        """Start the threads."""
        self.engine.start()
        if self.repair_worker is not None:
            precompute_fingerprint(self.configuration.current().swr.credentials)
            self.repair_worker.start()
        self.sender_monitor.start()
        self.config_reloader.start()
        self.retention.start()

    def stop(self) -> None:
        """Record the deliveries that were accepted, finish the calls in flight, and close all."""
        self.config_reloader.stop()
        self.retention.stop()
        self.recorder.close()
        if self.repair_worker is not None:
            self.repair_worker.stop()
        self.engine.stop()
        self.sender_monitor.stop()
        self.configuration.active.swr.close()
        self.database.close()

    # Configuration, time and metrics

    @cached_property
    def clock(self) -> Clock:
        """The ledger's time: of this machine, or of the database if processes share a ledger."""
        if self.database.is_sqlite:
            return self.system_clock
        return ServerClock(self.database, self.system_clock)

    @cached_property
    def steady_clock(self) -> Clock:
        return SteadyClock()

    @cached_property
    def config_reloader(self) -> ConfigReloader:
        file = WatchedFile(self.settings.config, self.environ, self.key_provider)
        return ConfigReloader(file, self.database, self.metrics, self.system_clock)

    @cached_property
    def key_provider(self) -> HttpsKeyProvider:
        return HttpsKeyProvider(HttpsSettings(find_proxies, self._certificates), monotonic)

    @cached_property
    def metrics(self) -> Metrics:
        return Metrics(self.environ.get(MULTIPROCESS_FOLDER))

    @cached_property
    def outcome_log(self) -> OutcomeLog:
        return OutcomeLog(self.metrics)

    # Deliveries and operators

    @cached_property
    def recorder(self) -> Recorder:
        return Recorder(self.database, self.engine, self.outcome_log, self.clock)

    @cached_property
    def operator(self) -> Operator:
        return Operator(self.database, self.engine, self.outcome_log, self.clock)

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

    # Background work

    @cached_property
    def engine(self) -> Engine:
        workers = self.settings.workers
        if self.database.is_sqlite:
            return SqliteEngine(self.database, self.configuration, workers)
        from swrhook.engine.postgresql import PostgresEngine  # noqa: PLC0415  # heavy; not on SQLite

        return PostgresEngine(self.database, self.configuration, workers, self.clock)

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
            notes={"configuration": self.config_reloader.problem},
            configuration=self.config_reloader.in_use,
        )

    # Limits of SWR's endpoints: they outlive the configuration, so that a reload resets none

    @cached_property
    def admission(self) -> Admission:
        def run_now(lane: Lane) -> None:
            self.engine.run_now(lane)  # looked up late: the engine is made after the admission

        return Admission(
            AdaptiveRateLimiter(),
            self.settings.workers,
            run_now,
            is_single_process=self.database.is_sqlite,
        )

    @cached_property
    def circuit_breakers(self) -> CircuitBreakers:
        return CircuitBreakers()

    @cached_property
    def target_cache(self) -> TargetCache:
        return TargetCache()

    # Made from each configuration

    def make_active(self, config: Config, before: Active | None) -> Active:
        """Return what a configuration needs to be used. A client that is still right is kept."""
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
            certificates=self._certificates,
        )
        refused = RefusedCredentials(self.database, self.system_clock)
        client = SwrClient(config.swr, network, refused, self.system_clock)
        if before is not None:
            client.reuse_authenticator(before.swr)
        return client

    @property
    def _certificates(self) -> str | None:
        return self.environ.get("REQUESTS_CA_BUNDLE")
