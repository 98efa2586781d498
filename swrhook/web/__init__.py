"""The web shell: Flask ends here."""

from collections.abc import Callable, Mapping

from flask import Flask

from swrhook.config.values import Config
from swrhook.ledger.database import Database
from swrhook.metrics import Metrics
from swrhook.model import Entry, Receipt
from swrhook.web import problems
from swrhook.web.health import Check, health
from swrhook.web.hooks import hooks


def create_web(
    config: Callable[[], Config],
    record: Callable[[Entry], Receipt],
    database: Database,
    metrics: Metrics,
    checks: Mapping[str, Check],
    notes: Mapping[str, Check],
) -> Flask:
    """Return the WSGI application with all its routes."""
    app = Flask("swrhook", static_folder=None)
    app.json.sort_keys = False  # type: ignore[attr-defined]  # members in the contract's order
    app.register_blueprint(hooks(config, record, metrics))
    app.register_blueprint(health(checks, notes))
    problems.install(app)
    return app
