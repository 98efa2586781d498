"""The web layer: the only package that imports Flask (besides the simulator)."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from flask import Blueprint, Flask

from swrhook.service.gunicorn_workers import INTAKE, LEAVING, Intake
from swrhook.web import api, problems
from swrhook.web.access import guard
from swrhook.web.api_docs import api_docs_routes
from swrhook.web.client_address import is_in
from swrhook.web.context import RequestConfig, WebContext
from swrhook.web.dashboard import dashboard_pages
from swrhook.web.gate import gate_routes
from swrhook.web.health import health_routes, metrics_routes
from swrhook.web.hooks import hook_routes
from swrhook.web.languages import add_languages
from swrhook.web.writes import add_write_hooks


class _Application(Flask):
    """Flask for views that are not asynchronous."""

    def ensure_sync(self, func: Callable[..., Any]) -> Callable[..., Any]:
        """Return the function: Flask would look for `async` at ten places of each request."""
        return func


def create_web(context: WebContext) -> Flask:
    """Return the Flask application with all routes."""
    health = replace(
        context.health, checks={**context.health.checks, "drain": context.draining.check}
    )
    web = replace(context, config=RequestConfig(context.config), health=health)
    app = _Application("swrhook", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # members keep the documented order
    app.extensions[LEAVING] = web.draining.begun
    app.extensions[INTAKE] = Intake(
        lambda: context.config.current().options.body_limit,
        lambda peer: is_in(peer, context.config.current().options.trusted_proxies),
    )
    guard(app, web)
    add_languages(app, web)
    for routes in (hook_routes, gate_routes, health_routes, metrics_routes, api_docs_routes):
        app.register_blueprint(routes(web))
    groups, pages = api.create_groups(web), dashboard_pages(web)
    blueprints: list[Blueprint] = [*groups, pages]
    for blueprint in blueprints:
        add_write_hooks(blueprint, web)
    api.install(app, groups)
    app.register_blueprint(pages)
    problems.install(app)
    return app
