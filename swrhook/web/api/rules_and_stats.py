"""GET /api/v1/rules and /api/v1/stats: the rules in use, and statistics."""

import functools
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from swrhook.config.nodes import Data
from swrhook.config.yaml_document import read
from swrhook.ledger.queries.stats import Stats, count
from swrhook.web.api.queries import StatsQuery
from swrhook.web.api.routing import blueprint, get
from swrhook.web.api.schema_base import schema_of
from swrhook.web.api.schemas import StatsSchema
from swrhook.web.context import WebContext


@dataclass(frozen=True, slots=True)
class WrittenRules:
    """The rules and defaults as the configuration file has them."""

    version: str
    defaults: Mapping[str, Data]
    rules: Sequence[Mapping[str, Data]]


RulesSchema = schema_of(WrittenRules, "Rules")


def rules_routes(web: WebContext) -> Any:  # noqa: ANN401  # as routing
    """Return the route."""
    routes = blueprint("rules", "The rules: which pushes go where.")

    @get(routes, "/rules", RulesSchema)
    def show() -> WrittenRules:
        """Show the rules in use, as the configuration file has them."""
        current = web.config.current()
        return written_rules(current.text, current.version)

    return routes


# The version is the hash of the text: the file is parsed once, not for every request.
@functools.lru_cache(maxsize=1)
def written_rules(text: bytes, version: str) -> WrittenRules:
    """Return the rules of a valid file; references such as `${…}` stay unresolved."""
    document = read(text).data
    return WrittenRules(version, document.get("defaults") or {}, document["rules"])


def stats_routes(web: WebContext) -> Any:  # noqa: ANN401  # as routing
    """Return the route."""
    routes = blueprint("stats", "Statistics for dashboards.")

    @get(routes, "/stats", StatsSchema, StatsQuery)
    def show(query: dict[str, Any]) -> Stats:
        """Count syncs and deliveries, and measure how long verification took."""
        with web.database.read() as connection:
            return count(connection, web.clock.now() - query["window"])

    return routes
