"""The composition root: a list of the parts of a process, and what each is made from."""

from collections.abc import Mapping
from random import SystemRandom
from time import monotonic

from swrhook import logs
from swrhook.clock import Clock, SteadyClock, SystemClock
from swrhook.config.model import Config
from swrhook.config.watcher import WatchedFile
from swrhook.engine.lanes import LaneEngine
from swrhook.ledger.certificates import KeptCertificates
from swrhook.ledger.database import open_database
from swrhook.ledger.failures import unusable_on_error
from swrhook.ledger.kept_state import RefusedCredentials
from swrhook.ledger.monitor import LedgerMonitor
from swrhook.ledger.operator import Operator
from swrhook.ledger.recorder import Recorder
from swrhook.ledger.server_clock import ServerClock
from swrhook.metrics import MULTIPROCESS_FOLDER, Metrics
from swrhook.periodic import PeriodicThread
from swrhook.sender_keys import HttpsKeyProvider, HttpsSettings, find_proxies
from swrhook.service.active_configuration import Active, ActiveConfiguration, HeldLanes
from swrhook.service.agenda import Agenda
from swrhook.service.config_reload import ConfigReloader
from swrhook.service.coverage_collector import coverage_collector
from swrhook.service.coverage_watch import CoverageWatch
from swrhook.service.first_answers import FirstAnswers
from swrhook.service.health import Health
from swrhook.service.metrics_collectors import (
    endpoint_collector,
    pause_collector,
    register_ledger,
)
from swrhook.service.notifier import Notifier
from swrhook.service.outcome_log import OutcomeLog
from swrhook.service.pause_watch import PauseWatch
from swrhook.service.problem_watch import ProblemWatch
from swrhook.service.reload_guard import ReloadGuard
from swrhook.service.retention import Retention
from swrhook.service.sender_monitor import SenderActivity, SenderMonitor
from swrhook.service.snapshot import Pace
from swrhook.service.statistics import RepairCounts, Statistics
from swrhook.service.traces import make_traces
from swrhook.settings import Settings
from swrhook.sso import IdentityProvider
from swrhook.swr.auth.lockout import precompute_fingerprint
from swrhook.swr.client import SwrClient
from swrhook.swr.http import Network
from swrhook.usecases.availability.check import AvailabilityChecker
from swrhook.web import create_web
from swrhook.web.context import WebContext
from swrhook.worker.admission import Admission
from swrhook.worker.circuit_breaker import CircuitBreakers
from swrhook.worker.expansion import ExpansionWorker
from swrhook.worker.gateway import SwrGateway
from swrhook.worker.lane_runner import LaneRunner
from swrhook.worker.place_looker import PlaceLooker
from swrhook.worker.rate_limiter import AdaptiveRateLimiter
from swrhook.worker.repairs import RepairWorker
from swrhook.worker.target_cache import TargetCache

# Seconds between two notes beside an SQLite ledger of how far it has come.
_BETWEEN_MARKS = 60.0
_NOT_WRITTEN = "the ledger cannot be read or written"


class Container:
    """The parts of one process, made in the order in which they need each other.

    Raises BadConfiguration and LedgerUnusable when it is created.
    """

    def __init__(
        self, settings: Settings, environ: Mapping[str, str], master: int | None = None
    ) -> None:
        """`master`: the id of the gunicorn whose worker this process is."""
        logs.configure(settings.log_format, settings.log_level)
        self.settings = settings
        self.environ = environ
        self._certificates = environ.get("REQUESTS_CA_BUNDLE")
        self.system_clock = SystemClock()
        self.steady_clock = SteadyClock()
        self.database = open_database(settings.database_url, master=master)
        self.ledger_monitor = LedgerMonitor(self.database)
        self.ledger_marks = PeriodicThread(
            "ledger_marks", self.database.mark, _BETWEEN_MARKS, at_once=False
        )
        self.clock: Clock = self.system_clock  # the ledger's time
        if not self.database.is_sqlite:  # processes on several machines may share the ledger
            self.clock = ServerClock(self.database, self.system_clock)
        try:
            self.agenda = Agenda(self.database, self.clock)
            self._make_worker()
            self._make_service()
        except BaseException:
            self.database.close()  # otherwise the ledger would stay locked
            raise
        if settings.workers == 0 and settings.on_sqlite:
            logs.warning("service.records_only", remedy="set SWRHOOK_WORKERS, or nothing is synced")

    def _make_worker(self) -> None:
        """Make the configuration and what carries out syncs with it."""
        self.metrics = Metrics(self.environ.get(MULTIPROCESS_FOLDER))
        self.traces = make_traces(self.environ, self.database)
        self.outcome_log = OutcomeLog(self.metrics, self.traces)
        # Limits of SWR's endpoints: they outlive the configuration, so that a reload resets none.
        self.circuit_breakers = CircuitBreakers()
        self.admission = Admission(
            AdaptiveRateLimiter(), self.circuit_breakers, self.settings.workers
        )
        self.target_cache = TargetCache()
        https = HttpsSettings(find_proxies, self._certificates)
        kept = KeptCertificates(self.database, self.system_clock)
        keys = HttpsKeyProvider(https, monotonic, kept)
        self.identity_provider = IdentityProvider(https, keys, monotonic)
        # A process that only records deliveries needs no credentials for SWR, and reads none.
        file = WatchedFile(
            self.settings.config, self.environ, keys, with_credentials=self.settings.workers > 0
        )
        guard = ReloadGuard(self.database, self.metrics, self.system_clock)
        self.config_reloader = ConfigReloader(
            file, self.database, self.metrics, self.system_clock, guard
        )
        with unusable_on_error(_NOT_WRITTEN):
            config = self.config_reloader.load_initial()
        self.configuration = ActiveConfiguration(self, config)
        self.engine = LaneEngine(
            self.database, self.configuration, self.settings.workers, self.clock
        )
        held_lanes = HeldLanes(self.database, self.engine, self.clock)
        self.config_reloader.subscribe(self.configuration, held_lanes)
        self.repair_worker = RepairWorker(
            self.database,
            self.configuration,
            self.engine,
            self.clock,
            is_due=lambda: self.agenda.current().repairs,
        )

    def _make_service(self) -> None:
        """Make what receives deliveries, serves operators and runs at intervals."""
        self.recorder = Recorder(self.database, self.engine, self.outcome_log, self.clock)
        self.expansion_worker = ExpansionWorker(
            self.database,
            self.configuration,
            self.engine,
            self.outcome_log,
            self.clock,
            is_due=lambda: self.agenda.current().expansions,
        )
        self.operator = Operator(self.database, self.engine, self.outcome_log, self.clock)
        self.retention = Retention(self.database, self.configuration, self.clock, self.metrics)
        self.sender_activity = SenderActivity(self.database, self.configuration, self.system_clock)
        self.sender_monitor = SenderMonitor(self.sender_activity)
        self.problem_watch = ProblemWatch(
            self.database,
            self.configuration,
            self.sender_activity,
            self.config_reloader.deviation,
            self.clock,
        )
        self.coverage_watch = CoverageWatch(
            self.database,
            self.configuration,
            self.clock,
            has_gaps=lambda: self.agenda.current().gaps,
        )
        self.notifier = Notifier(
            self.database,
            self.configuration,
            self.clock,
            self.metrics,
            self._certificates,
            is_due=lambda: self.agenda.current().notifications,
        )
        self.pause_watch = PauseWatch(self.database)
        self.health = Health(
            checks={"ledger": self.recorder.check, "engine": self.engine.check},
            notes={
                "configuration": self.config_reloader.problem,
                "rules": self.config_reloader.held,
                "pauses": self.pause_watch.note,
            },
            configuration=self.config_reloader.in_use,
        )
        self.metrics.register(endpoint_collector(self.configuration.endpoints))
        self.metrics.register(pause_collector(self.pause_watch.cached))
        pace = Pace()
        register_ledger(self.metrics, self.database, self.sender_activity, self.system_clock, pace)
        self.metrics.register(
            coverage_collector(self.database, self.configuration, self.system_clock)
        )
        self.web = create_web(
            WebContext(
                config=self.configuration,
                clock=self.system_clock,
                database=self.database,
                recorder=self.recorder,
                operator=self.operator,
                metrics=self.metrics,
                health=self.health,
                senders=self.sender_activity,
                statistics=Statistics(self.database, self.system_clock, pace),
                repair_counts=RepairCounts(self.database, pace),
                availability=AvailabilityChecker(self.database, self.engine, self.clock),
                identity_provider=self.identity_provider,
            )
        )

    def start(self) -> None:
        """Start the threads."""
        self.ledger_monitor.start()
        self.ledger_marks.start()
        with unusable_on_error(_NOT_WRITTEN):
            self.engine.start()
        if self.settings.workers:
            precompute_fingerprint(self.configuration.current().swr.credentials)
            self.repair_worker.start()
        if self.settings.workers or self.settings.on_sqlite:
            self.expansion_worker.start()
        self.sender_monitor.start()
        self.pause_watch.start()
        self.problem_watch.start()
        self.coverage_watch.start()
        self.notifier.start()
        self.config_reloader.start()
        self.retention.start()

    def stop(self) -> None:
        """Record the deliveries that were accepted, finish the calls in flight, and close all."""
        self.config_reloader.stop()
        self.retention.stop()
        self.recorder.close()
        self.repair_worker.stop()
        self.expansion_worker.stop()
        self.engine.stop()
        self.sender_monitor.stop()
        self.pause_watch.stop()
        self.problem_watch.stop()
        self.coverage_watch.stop()
        self.notifier.stop()
        self.configuration.active.swr.close()
        self.ledger_monitor.stop()
        self.ledger_marks.stop(timeout=1)
        self.database.close()
        if self.traces is not None:
            self.traces.stop()

    def make_active(self, config: Config, before: Active | None) -> Active:
        """Return what a configuration needs to be used. A client that is still right is kept."""
        swr = self._swr_client(config, before)
        gateway = SwrGateway(
            config,
            swr,
            self.admission,
            self.circuit_breakers,
            self.target_cache,
            self.metrics,
            self.steady_clock,
        )
        runner = LaneRunner(self.database, gateway, self.outcome_log, self.clock, SystemRandom())
        return Active(config, swr, gateway, runner, PlaceLooker(gateway, self.clock))

    def _swr_client(self, config: Config, before: Active | None) -> SwrClient:
        timeouts = config.options.timeouts
        if before is not None:
            old = before.config
            if (config.swr, timeouts) == (old.swr, old.options.timeouts):
                return before.swr
        endpoints = {region.endpoint: region.name for region in config.swr.regions.values()}
        network = Network(
            timeouts,
            pool_size=self.settings.workers + 2,  # the lanes, the repair worker, and one to spare
            find_proxies=find_proxies,
            certificates=self._certificates,
            journal=FirstAnswers(self.database, self.clock, endpoints),
        )
        refused = RefusedCredentials(self.database, self.system_clock)
        client = SwrClient(config.swr, network, refused, self.system_clock)
        if before is not None:
            client.reuse_authenticator(before.swr)
        return client
