"""GET /api/v1/explain: why a tag was, or was not, replicated."""

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus
from typing import Any

from swrhook.config.model import Config
from swrhook.ledger.database import Database
from swrhook.usecases.explain import Explanation, explain
from swrhook.web.api.explained import ExplanationSchema
from swrhook.web.api.queries import ExplainQuery
from swrhook.web.api.routing import blueprint, get


def explaining(
    config: Callable[[], Config], database: Database, clock: Callable[[], datetime]
) -> Any:  # noqa: ANN401  # as routing
    """Return the route."""
    routes = blueprint("explaining", "Why a tag was, or was not, replicated.")

    @get(routes, "/explain", ExplanationSchema, ExplainQuery, [HTTPStatus.NOT_FOUND])
    def show(query: dict[str, Any]) -> Explanation:
        """Explain a tag: the rules in use, clause by clause, and what the ledger knows of it."""
        return explain(query["image"], query.get("source"), config(), database, clock())

    return routes
