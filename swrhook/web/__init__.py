"""The web shell: Flask ends here."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

from flask import Blueprint, Flask, g, has_app_context

from swrhook.config.model import Config
from swrhook.ledger.database import Database
from swrhook.ledger.operator import Operator
from swrhook.ledger.queries.stats import read_backlog, read_drift
from swrhook.ledger.sessions import has_ended
from swrhook.metrics import Metrics
from swrhook.model import Entry, Receipt
from swrhook.service.gunicorn_workers import LEAVING
from swrhook.service.sender_monitor import Hearing
from swrhook.web import api, problems
from swrhook.web.access import guard
from swrhook.web.api.audit import audit as audit_routes
from swrhook.web.api.deliveries import deliveries
from swrhook.web.api.drain import drain
from swrhook.web.api.explain import explaining
from swrhook.web.api.repairs import backfill, reconcile
from swrhook.web.api.rules_and_stats import rules, stats
from swrhook.web.api.senders import senders
from swrhook.web.api.syncs import syncs
from swrhook.web.api.wait import waiting
from swrhook.web.api.whatif import comparing
from swrhook.web.api_docs import docs
from swrhook.web.audit import noting
from swrhook.web.dashboard import Backstage, dashboard
from swrhook.web.draining import Draining
from swrhook.web.health import Health, health
from swrhook.web.hooks import hooks
from swrhook.web.idempotency import giving, taking
from swrhook.web.long_poll import Waits
from swrhook.web.metrics import metrics_route
from swrhook.web.rate_limit import Rates
from swrhook.web.replay import replayer
from swrhook.web.sender_list import sender_lister


def create_web(
    config: Callable[[], Config],
    record: Callable[[Entry], Receipt],
    operator: Operator,
    metrics: Metrics,
    told: Health,
) -> Flask:
    """Return the WSGI application with all its routes."""
    config = one_for_each_request(config)
    database = operator.database
    app = Flask("swrhook", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # members in the contract's order
    guard(app, config, metrics, _now, lambda each: has_ended(database, each.mark))
    app.register_blueprint(hooks(config, record, Rates().admit, metrics))
    draining = Draining()
    app.extensions[LEAVING] = draining.begun
    told = replace(told, checks={**told.checks, "drain": draining.check})
    app.register_blueprint(health(told))
    app.register_blueprint(metrics_route(metrics))
    app.register_blueprint(docs())
    hearing = Hearing(database, config, _now)
    _show(metrics, database, hearing)
    replay = replayer(config, record, database, metrics, _now)
    waits = Waits(config, database, draining.begun)
    resources = [
        syncs(operator, config, _now),
        backfill(operator, config, _now),
        reconcile(operator, config, _now),
        waiting(waits, _now),
        deliveries(database, _now, replay),
        senders(sender_lister(config, database, hearing, _now)),
        rules(config),
        explaining(config, database, _now),
        comparing(config, database, _now),
        stats(database, _now),
        drain(draining, _now),
        audit_routes(database, _now),
    ]
    pages = dashboard(Backstage(config, operator, metrics, told, hearing, replay, _now))
    for each in (*resources, pages):
        _keep_writes(each, config, database)
    api.install(app, resources)
    app.register_blueprint(pages)
    problems.install(app)
    return app


def _keep_writes(blueprint: Blueprint, config: Callable[[], Config], database: Database) -> None:
    """Audit a blueprint's writes, and answer a repeated one as the first time.

    Not for the whole app: hooks need neither, and pay for each function that Flask calls.
    """
    blueprint.after_request(noting(database, _now))
    blueprint.before_request(taking(config, database, _now))
    blueprint.after_request(giving(database))


def _show(metrics: Metrics, database: Database, hearing: Hearing) -> None:
    """Let the metrics read what the ledger knows."""
    metrics.watch(lambda: read_backlog(database, _now()))
    metrics.compare(lambda: read_drift(database))
    metrics.listen(hearing.recent)


def one_for_each_request(config: Callable[[], Config]) -> Callable[[], Config]:
    """Return a reader that gives a request, to its end, the configuration that it began with."""

    def read() -> Config:
        if not has_app_context():
            return config()
        held: Config | None = g.get("config")
        if held is None:
            held = g.config = config()
        return held

    return read


def _now() -> datetime:
    return datetime.now(UTC)
