"""The web shell: Flask ends here."""

from collections.abc import Callable
from datetime import UTC, datetime

from flask import Flask, g, has_app_context

from swrhook.config.values import Config
from swrhook.hearing import Hearing
from swrhook.ledger.backlog import read_backlog
from swrhook.ledger.database import Database
from swrhook.metrics import Metrics
from swrhook.model import Entry, Receipt
from swrhook.web import api, problems
from swrhook.web.access import guard
from swrhook.web.health import Health, health
from swrhook.web.hooks import hooks
from swrhook.web.metrics import metrics_route
from swrhook.web.rates import Rates
from swrhook.web.replays import replayer
from swrhook.web.senders import source_lister


def create_web(
    config: Callable[[], Config],
    record: Callable[[Entry], Receipt],
    database: Database,
    metrics: Metrics,
    told: Health,
) -> Flask:
    """Return the WSGI application with all its routes."""
    config = one_for_each_request(config)
    app = Flask("swrhook", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # members in the contract's order
    guard(app, config, metrics)
    app.register_blueprint(hooks(config, record, Rates().admit, metrics))
    app.register_blueprint(health(told))
    app.register_blueprint(metrics_route(metrics))
    metrics.watch(lambda: read_backlog(database, _now()))
    hearing = Hearing(database, config, _now)
    metrics.listen(hearing.recent)
    replay = replayer(config, record, database, metrics, _now)
    api.install(app, database, _now, replay, source_lister(config, database, hearing, _now))
    problems.install(app)
    return app


def one_for_each_request(config: Callable[[], Config]) -> Callable[[], Config]:
    """Return a reader that gives a request, to its end, the configuration that it began with."""

    def read() -> Config:
        if not has_app_context():
            return config()
        if "config" not in g:
            g.config = config()
        held: Config = g.config
        return held

    return read


def _now() -> datetime:
    return datetime.now(UTC)
