"""/api/v1/backfill and /api/v1/reconcile: compare targets with the rules, and repair them."""

from collections.abc import Sequence
from typing import Any

from werkzeug.exceptions import NotFound

from swrhook.ledger.operator import Operator
from swrhook.ledger.queries.repairs import (
    ListedFinding,
    ListedRepair,
    find_repair,
    list_findings,
    list_repairs,
)
from swrhook.ledger.queries.views import ImageFilter, Page
from swrhook.syncs.reconciliation import RepairKind, RepairRequest
from swrhook.usecases.manual_syncs import check_rule, repositories_in_scope
from swrhook.web.access import name_object
from swrhook.web.api.queries import FindingQuery, PageQuery, finding_filter, repair_filter
from swrhook.web.api.repair_schemas import (
    BackfillOrderSchema,
    FindingPageSchema,
    ReconcileOrderSchema,
    RepairPageSchema,
    RepairSchema,
)
from swrhook.web.api.routing import blueprint, get, post
from swrhook.web.context import WebContext


def backfill_routes(web: WebContext) -> Any:  # noqa: ANN401  # as routing
    """Return the routes of backfills."""
    routes = blueprint("backfill", "Copy tags that were pushed before a rule existed.")
    kind = RepairKind.BACKFILL
    _add_lists(routes, kind, web)

    @post(routes, "/backfill", RepairSchema, BackfillOrderSchema)
    def begin(body: dict[str, Any]) -> ListedRepair:
        """Compare repositories with what the rules require at their targets, and plan syncs."""
        current = web.config.current()
        sender, region = body.get("sender"), body.get("region")
        images = _read_repositories(body["repositories"])
        scope = repositories_in_scope(images, sender, region, current)
        check_rule(body.get("rule"), current)
        request = RepairRequest(
            kind, scope, sender, body.get("rule"), needs_confirmation=not body["start"]
        )
        return _show(web.operator, kind, web.operator.begin_repair(request, web.clock.now()))

    @post(routes, "/backfill/<repair_id>/start", RepairSchema)
    def start(repair_id: str) -> ListedRepair:
        """Record the syncs of a plan; new pushes go first."""
        _show(web.operator, kind, repair_id)
        web.operator.start_repair(repair_id, web.clock.now())
        return _show(web.operator, kind, repair_id)

    return routes


def reconcile_routes(web: WebContext) -> Any:  # noqa: ANN401  # as routing
    """Return the routes of reconciles."""
    routes = blueprint("reconcile", "Compare targets with what the rules require.")
    kind = RepairKind.RECONCILE
    _add_lists(routes, kind, web)

    @post(routes, "/reconcile", RepairSchema, ReconcileOrderSchema)
    def begin(body: dict[str, Any]) -> ListedRepair:
        """Compare repositories with what the rules require at their targets, and repair them."""
        current = web.config.current()
        images = body.get("repositories")
        scope = None
        if images is not None:
            scope = repositories_in_scope(
                _read_repositories(images), None, body.get("region"), current, everywhere=True
            )
        max_calls = body.get("max_calls", current.options.reconcile.max_calls)
        request = RepairRequest(kind, scope, report_only=body["report"], max_calls=max_calls)
        return _show(web.operator, kind, web.operator.begin_repair(request, web.clock.now()))

    return routes


def _add_lists(routes: Any, kind: RepairKind, web: WebContext) -> None:  # noqa: ANN401  # as routing
    @get(routes, f"/{kind}", RepairPageSchema, PageQuery)
    def list_all(query: dict[str, Any]) -> Page[ListedRepair]:
        """List all, newest first."""
        with web.operator.database.read() as connection:
            return list_repairs(connection, kind, repair_filter(query, web.clock.now()))

    @get(routes, f"/{kind}/<repair_id>", RepairSchema)
    def show(repair_id: str) -> ListedRepair:
        """Show one."""
        return _show(web.operator, kind, repair_id)

    @get(routes, f"/{kind}/<repair_id>/tags", FindingPageSchema, FindingQuery)
    def list_tags(query: dict[str, Any], repair_id: str) -> Page[ListedFinding]:
        """List the findings, tag by tag, each with the state of its sync."""
        _show(web.operator, kind, repair_id)
        with web.operator.database.read() as connection:
            return list_findings(connection, repair_id, finding_filter(query))

    @post(routes, f"/{kind}/<repair_id>/cancel", RepairSchema)
    def cancel(repair_id: str) -> ListedRepair:
        """Cancel it, and those of its syncs that have not been called yet."""
        _show(web.operator, kind, repair_id)
        web.operator.cancel_repair(repair_id, web.clock.now())
        return _show(web.operator, kind, repair_id)


def _read_repositories(images: Sequence[ImageFilter]) -> Sequence[tuple[str, str]]:
    repositories = [(image.namespace, image.repository) for image in images]
    first = "/".join(repositories[0])
    others = len(repositories) - 1
    name_object(f"{first} and {others} more" if others else first)
    return repositories


def _show(operator: Operator, kind: RepairKind, repair_id: str) -> ListedRepair:
    with operator.database.read() as connection:
        repair = find_repair(connection, kind, repair_id)
    if repair is None:
        raise NotFound(f"there is no {kind} with this id")
    return repair
