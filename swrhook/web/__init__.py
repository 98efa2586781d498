"""The web layer: the only package that imports Flask (besides the simulator)."""

from dataclasses import replace

from flask import Blueprint, Flask

from swrhook.service.gunicorn_workers import LEAVING
from swrhook.web import api, problems
from swrhook.web.access import guard
from swrhook.web.api.audit import audit_routes
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
from swrhook.web.context import RequestConfig, WebContext
from swrhook.web.dashboard import dashboard_pages
from swrhook.web.health import health_routes
from swrhook.web.hooks import hook_routes
from swrhook.web.idempotency import replay_hook, store_hook
from swrhook.web.metrics import metrics_route


def create_web(context: WebContext) -> Flask:
    """Return the Flask application with all routes."""
    health = replace(
        context.health, checks={**context.health.checks, "drain": context.draining.check}
    )
    web = replace(context, config=RequestConfig(context.config), health=health)
    app = Flask("swrhook", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # members keep the documented order
    app.extensions[LEAVING] = web.draining.begun
    guard(app, web)
    app.register_blueprint(hook_routes(web))
    app.register_blueprint(health_routes(web))
    app.register_blueprint(metrics_route(web))
    app.register_blueprint(api_docs_routes())
    resources = [
        sync_routes(web),
        backfill_routes(web),
        reconcile_routes(web),
        wait_routes(web),
        delivery_routes(web),
        sender_routes(web),
        rules_routes(web),
        explain_routes(web),
        whatif_routes(web),
        stats_routes(web),
        drain_routes(web),
        audit_routes(web),
    ]
    pages = dashboard_pages(web)
    for blueprint in (*resources, pages):
        _add_write_hooks(blueprint, web)
    api.install(app, resources)
    app.register_blueprint(pages)
    problems.install(app)
    return app


def _add_write_hooks(blueprint: Blueprint, web: WebContext) -> None:
    """Audit a blueprint's writes, and answer a repeated write with the stored response.

    Registered per blueprint: the routes that receive deliveries need neither, and every function
    that Flask calls costs time on each request.
    """
    # Flask runs after_request hooks in reverse order: the response is stored before the audit.
    blueprint.after_request(audit_hook(web))
    blueprint.before_request(replay_hook(web))
    blueprint.after_request(store_hook(web))
