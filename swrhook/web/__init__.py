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
from swrhook.model import DeliveryEntry, Receipt
from swrhook.service.gunicorn_workers import LEAVING
from swrhook.service.sender_monitor import SenderActivity
from swrhook.web import api, problems
from swrhook.web.access import guard
from swrhook.web.api.audit import audit_routes as audit_routes
from swrhook.web.api.deliveries import delivery_routes
from swrhook.web.api.drain import drain_routes
from swrhook.web.api.explain import explain_routes
from swrhook.web.api.repairs import backfill_routes, reconcile_routes
from swrhook.web.api.rules_and_stats import rules_routes, stats_routes
from swrhook.web.api.senders import sender_routes
from swrhook.web.api.syncs import sync_routes
from swrhook.web.api.wait import wait_routes
from swrhook.web.api.whatif import whatif_routes
from swrhook.web.api_docs import api_docs_routes
from swrhook.web.audit import audit_hook
from swrhook.web.dashboard import DashboardContext, dashboard
from swrhook.web.draining import Draining
from swrhook.web.health import Health, health_routes
from swrhook.web.hooks import hook_routes
from swrhook.web.idempotency import replay_hook, store_hook
from swrhook.web.long_poll import LongPolls
from swrhook.web.metrics import metrics_route
from swrhook.web.rate_limit import SenderRateLimits
from swrhook.web.replay import make_replay
from swrhook.web.sender_list import make_sender_list


def create_web(
    config: Callable[[], Config],
    record: Callable[[DeliveryEntry], Receipt],
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
    app.register_blueprint(hook_routes(config, record, SenderRateLimits().admit, metrics))
    draining = Draining()
    app.extensions[LEAVING] = draining.begun
    told = replace(told, checks={**told.checks, "drain": draining.check})
    app.register_blueprint(health_routes(told))
    app.register_blueprint(metrics_route(metrics))
    app.register_blueprint(api_docs_routes())
    hearing = SenderActivity(database, config, _now)
    _show(metrics, database, hearing)
    replay = make_replay(config, record, database, metrics, _now)
    waits = LongPolls(config, database, draining.begun)
    resources = [
        sync_routes(operator, config, _now),
        backfill_routes(operator, config, _now),
        reconcile_routes(operator, config, _now),
        wait_routes(waits, _now),
        delivery_routes(database, _now, replay),
        sender_routes(make_sender_list(config, database, hearing, _now)),
        rules_routes(config),
        explain_routes(config, database, _now),
        whatif_routes(config, database, _now),
        stats_routes(database, _now),
        drain_routes(draining, _now),
        audit_routes(database, _now),
    ]
    pages = dashboard(DashboardContext(config, operator, metrics, told, hearing, replay, _now))
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
    blueprint.after_request(audit_hook(database, _now))
    blueprint.before_request(replay_hook(config, database, _now))
    blueprint.after_request(store_hook(database))


def _show(metrics: Metrics, database: Database, hearing: SenderActivity) -> None:
    """Let the metrics read what the ledger knows."""
    metrics.register_backlog(lambda: read_backlog(database, _now()))
    metrics.register_drift(lambda: read_drift(database))
    metrics.register_senders(hearing.cached)


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
