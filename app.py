"""The composition root: the only file that knows every part. `python app.py` serves development."""

import os
import sys
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from random import SystemRandom
from time import monotonic
from urllib.parse import urlsplit

from flask import Flask
from requests.utils import get_environ_proxies
from sqlalchemy import Connection

from swrhook import config as configuration
from swrhook import logs
from swrhook.auth import Outside
from swrhook.config.values import Config
from swrhook.engine.embedded import EmbeddedEngine
from swrhook.engine.gate import Gate
from swrhook.errors import BadConfiguration, SwrhookError
from swrhook.hearing import Hearing, Watch
from swrhook.ledger.database import Database, open_database
from swrhook.ledger.group_commit import Recorder
from swrhook.ledger.keeping import RefusedCredentials, keep_configuration, last_configuration
from swrhook.ledger.recording import Recording
from swrhook.metrics import Metrics
from swrhook.model import Lane
from swrhook.outbound import Internet, Way
from swrhook.reports import Reporter
from swrhook.settings import Settings
from swrhook.swr.client import SwrClient
from swrhook.swr.wire import Network
from swrhook.web import create_web
from swrhook.worker.lane import LaneRunner
from swrhook.worker.pace import Pacer


@dataclass(frozen=True, slots=True)
class Service:
    """A running service: its WSGI application, and the way to end it."""

    web: Flask
    engine: EmbeddedEngine
    watch: Watch
    recorder: Recorder
    swr: SwrClient
    database: Database

    def start(self) -> None:
        """Begin to work on what the ledger holds."""
        self.engine.start()
        self.watch.start()

    def stop(self) -> None:
        """Write what was accepted, finish the calls in flight, and let the next process in."""
        self.recorder.close()
        self.engine.stop()
        self.watch.stop()
        self.swr.close()
        self.database.close()


def create_service(settings: Settings, environ: Mapping[str, str]) -> Service:
    """Put the parts together. Raises BadConfiguration and LedgerUnusable."""
    logs.configure(settings.log_format, settings.log_level)
    database = open_database(settings.database_url)
    metrics = Metrics()
    outside = Internet(Way(find_proxies, environ.get("REQUESTS_CA_BUNDLE")), monotonic)
    try:
        config, wrong = load_configuration(settings.config, environ, database, outside)
    except BadConfiguration:
        database.close()
        raise
    metrics.configuration(is_current=wrong is None)
    if settings.workers == 0:
        logs.warning("service.records_only", remedy="set SWRHOOK_WORKERS, or nothing is synced")
    reporter = Reporter(metrics)
    swr = _swr(config, settings, environ, database)
    engine = _engine(config, settings, database, swr, reporter)

    def wake(lanes: Sequence[Lane], connection: Connection) -> None:
        engine.wake(lanes, now(), connection)

    def recorded(recording: Recording) -> None:
        reporter.superseded(recording.superseded, now())

    recorder = Recorder(database, wake, recorded)
    checks = {"ledger": recorder.check, "engine": engine.check}
    notes = {"configuration": lambda: wrong}
    web = create_web(lambda: config, recorder.record, database, metrics, checks, notes)
    watch = Watch(Hearing(database, lambda: config, now))
    return Service(web, engine, watch, recorder, swr, database)


def _swr(
    config: Config, settings: Settings, environ: Mapping[str, str], database: Database
) -> SwrClient:
    network = Network(
        config.options.timeouts,
        pool_size=settings.workers + 1,
        find_proxies=find_proxies,
        certificates=environ.get("REQUESTS_CA_BUNDLE"),
    )
    return SwrClient(config.swr, network, RefusedCredentials(database, now), now)


def _engine(
    config: Config, settings: Settings, database: Database, swr: SwrClient, reporter: Reporter
) -> EmbeddedEngine:
    runner = LaneRunner(
        database, swr, lambda: config, reporter.report, Pacer(), now, SystemRandom()
    )
    pace = config.options.pace
    gate = Gate(pace.in_flight, pace.in_flight_per_target, settings.workers)
    return EmbeddedEngine(database, runner.run, gate, settings.workers)


def load_configuration(
    path: Path, environ: Mapping[str, str], database: Database, outside: Outside
) -> tuple[Config, str | None]:
    """Return the configuration and, when the last good one stands in for the file, words for it.

    Raises BadConfiguration at a first start, when nothing can stand in.
    """
    try:
        config = configuration.load(path, environ, outside)
    except BadConfiguration as exc:
        kept = _last_good(environ, database, outside)
        if kept is None:
            raise
        logs.warning("configuration.refused", in_use=kept.version, mistakes=str(exc).splitlines())
        return kept, f"the file is wrong: the last good one, {kept.version}, is in use"
    logs.event("configuration.loaded", version=config.version, rules=len(config.rules))
    if config.literal_secrets:
        logs.warning("configuration.not_kept", literal_secrets=list(config.literal_secrets))
    else:
        with database.write() as connection:
            keep_configuration(connection, config.version, config.text, now())
    return config, None


def _last_good(environ: Mapping[str, str], database: Database, outside: Outside) -> Config | None:
    with database.read() as connection:
        text = last_configuration(connection)
    if text is None:
        return None
    try:
        return configuration.parse(
            text,
            file="the last good configuration",
            environ=environ,
            read_file=configuration.read_secret_file,
            outside=outside,
        )
    except BadConfiguration as exc:
        logs.warning("configuration.last_good_unusable", mistakes=str(exc).splitlines())
        return None


def find_proxies(url: str) -> Mapping[str, str]:
    """Return the proxies that HTTPS_PROXY and its kin name for an endpoint; none for loopback."""
    if urlsplit(url).hostname in ("127.0.0.1", "::1", "localhost"):
        return {}
    return get_environ_proxies(url)


def now() -> datetime:
    """Return the time: the clock of every part."""
    return datetime.now(UTC)


def start_service() -> Service:
    """Start a service as the environment says. Raises BadConfiguration and LedgerUnusable."""
    service = create_service(Settings.from_environ(os.environ), os.environ)
    service.start()
    return service


if __name__ == "__main__":
    try:
        development = start_service()
    except SwrhookError as exc:
        sys.exit(f"swrhook cannot start:\n{exc}")
    try:
        development.web.run(port=8080, threaded=True)
    finally:
        development.stop()
