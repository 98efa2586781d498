"""/api/v1/rules, /stats, /audit and /drain: routes for those who operate the service."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

from swrhook.config.nodes import Data
from swrhook.config.yaml_document import read
from swrhook.ledger.audit import AuditFilter, ListedAudit, list_writes
from swrhook.ledger.queries.stats import Stats
from swrhook.ledger.queries.views import Page
from swrhook.web.api.queries import AuditQuery, StatsQuery, to_filter
from swrhook.web.api.routing import Routes
from swrhook.web.api.schema_base import schema_of
from swrhook.web.api.schemas import AuditPageSchema, StatsSchema
from swrhook.web.context import WebContext


@dataclass(frozen=True, slots=True)
class WrittenRules:
    """The rules and defaults as the configuration file has them."""

    version: str
    defaults: Mapping[str, Data]
    rules: Sequence[Mapping[str, Data]]


RulesSchema = schema_of(WrittenRules, "Rules")


def add_rules_routes(routes: Routes, web: WebContext) -> None:
    """Add the route."""

    @routes.get("/rules", RulesSchema, errors=[HTTPStatus.TOO_MANY_REQUESTS])
    def show() -> WrittenRules:
        """Show the rules in use, as the configuration file has them."""
        return rules_in_use(web)


def rules_in_use(web: WebContext) -> WrittenRules:
    """Return the rules in use. Raises RateLimited while others compute for long."""
    current = web.config.current()
    with web.computations.take():
        return written_rules(current.text, current.version)


# The version is the hash of the text: the file is parsed once, not for every request.
@functools.lru_cache(maxsize=1)
def written_rules(text: bytes, version: str) -> WrittenRules:
    """Return the rules of a valid file; references such as `${…}` stay unresolved."""
    document = read(text).data
    return WrittenRules(version, document.get("defaults") or {}, document["rules"])


def add_stats_routes(routes: Routes, web: WebContext) -> None:
    """Add the route."""

    @routes.get("/stats", StatsSchema, StatsQuery)
    def show(query: dict[str, Any]) -> Stats:
        """Count syncs and deliveries, and measure how long verification took.

        The numbers are as old as `counted_at` says: some seconds, if the ledger is large.
        """
        return web.count(query["window"])


def add_audit_routes(routes: Routes, web: WebContext) -> None:
    """Add the route of the audit log."""

    @routes.get("/audit", AuditPageSchema, AuditQuery)
    def list_all(query: dict[str, Any]) -> Page[ListedAudit]:
        """List the writes in the audit log, newest first. Needs the role admin."""
        return web.read(list_writes, to_filter(AuditFilter, query, web.clock.now()))


@dataclass(frozen=True, slots=True)
class _Drain:
    """Whether this process is draining, and since when."""

    draining: bool
    since: datetime | None


DrainSchema = schema_of(_Drain, "Drain")


def add_drain_routes(routes: Routes, web: WebContext) -> None:
    """Add the routes that drain the process that answers."""

    @routes.get("/drain", DrainSchema)
    def show() -> _Drain:
        """Show whether the process that answers is draining."""
        return _Drain(web.draining.since is not None, web.draining.since)

    @routes.post("/drain", DrainSchema)
    def begin() -> _Drain:
        """Start draining the process that answers: it becomes unready, but keeps working."""
        web.draining.begin(web.clock.now())
        return show()
