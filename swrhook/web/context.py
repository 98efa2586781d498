"""The dependencies of the web layer, passed to every function that creates routes."""

from dataclasses import dataclass, field

from flask import g, has_app_context

from swrhook.clock import Clock
from swrhook.config.model import Config, ConfigSource
from swrhook.ledger.database import Database
from swrhook.ledger.operator import Operator
from swrhook.metrics import Metrics
from swrhook.service.health import Health
from swrhook.service.sender_monitor import SenderActivity
from swrhook.usecases.receive import DeliveryRecorder
from swrhook.web.draining import Draining
from swrhook.web.rate_limit import SenderRateLimits


@dataclass(frozen=True, slots=True)
class WebContext:
    """Everything that routes use. During a request `config` stays the same configuration."""

    config: ConfigSource
    clock: Clock
    database: Database
    recorder: DeliveryRecorder
    operator: Operator
    metrics: Metrics
    health: Health
    senders: SenderActivity
    draining: Draining = field(default_factory=Draining)
    rate_limits: SenderRateLimits = field(default_factory=SenderRateLimits)


class RequestConfig:
    """A ConfigSource that keeps one configuration for the whole request, despite reloads."""

    def __init__(self, config: ConfigSource) -> None:
        self._config = config

    def current(self) -> Config:
        """Return the request's configuration or, outside a request, the current one."""
        if not has_app_context():
            return self._config.current()
        config: Config | None = g.get("config")
        if config is None:
            config = g.config = self._config.current()
        return config
