"""GET /api/v1/rules and /api/v1/stats: what is wanted, and how it goes."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from swrhook.config.nodes import Data
from swrhook.config.yaml_document import read
from swrhook.ledger.queries.stats import Stats, count
from swrhook.web.api.queries import StatsQuery
from swrhook.web.api.routing import blueprint, get
from swrhook.web.api.schemas import RulesSchema, StatsSchema
from swrhook.web.context import WebContext


@dataclass(frozen=True, slots=True)
class WrittenRules:
    """The rules in use, as they are written in the file."""

    version: str
    defaults: Mapping[str, Data]
    rules: Sequence[Data]


def rules_routes(web: WebContext) -> Any:  # noqa: ANN401  # as routing
    """Return the route."""
    routes = blueprint("rules", "Which pushes go where.")

    @get(routes, "/rules", RulesSchema)
    def show() -> WrittenRules:
        """Show the rules in use, as the configuration file says them."""
        current = web.config.current()
        return written_rules(current.text, current.version)

    return routes


@functools.lru_cache(maxsize=1)
def written_rules(text: bytes, version: str) -> WrittenRules:
    """Return the rules of a file that is valid; `${…}` is left as it stands there."""
    document = read(text).data
    return WrittenRules(version, document.get("defaults") or {}, document["rules"])


def stats_routes(web: WebContext) -> Any:  # noqa: ANN401  # as routing
    """Return the route."""
    routes = blueprint("stats", "How it goes, in numbers.")

    @get(routes, "/stats", StatsSchema, StatsQuery)
    def show(query: dict[str, Any]) -> Stats:
        """Count syncs and deliveries, and how long the proof took."""
        with web.database.read() as connection:
            return count(connection, web.clock.now() - query["window"])

    return routes
