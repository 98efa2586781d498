"""/api/v1/backfill and /api/v1/reconcile: compare targets with the rules, and repair them."""

from collections.abc import Mapping, Sequence
from typing import Any

from werkzeug.exceptions import Forbidden

from swrhook.config.model import Config
from swrhook.ledger.queries import repairs
from swrhook.ledger.queries.repairs import ListedFinding, ListedRepair, RepairExtent
from swrhook.ledger.queries.views import ImageFilter, Page
from swrhook.swr_names import is_namespace
from swrhook.syncs.reconciliation import RepairKind, RepairRequest, RepositoryRef
from swrhook.syncs.scope import Scope
from swrhook.usecases.manual_syncs import check_rule, repositories_in_scope
from swrhook.usecases.repair_scope import backfill_scope
from swrhook.web.access import is_visible, name_object, require_visible, scope
from swrhook.web.api import schemas
from swrhook.web.api.queries import FindingQuery, PageQuery, to_filter
from swrhook.web.api.routing import Routes
from swrhook.web.context import WebContext
from swrhook.web.problems import require
from swrhook.wording.message import say


def add_backfill_routes(routes: Routes, web: WebContext) -> None:
    """Add the routes of backfills."""
    kind = RepairKind.BACKFILL
    _add_lists(routes, kind, web)

    @routes.post("/backfill", schemas.RepairSchema, schemas.BackfillOrderSchema)
    def begin(body: dict[str, Any]) -> ListedRepair:
        """Compare repositories with what the rules require at their targets, and plan syncs."""
        return begin_backfill(web, body)

    @routes.post("/backfill/<repair_id>/start", schemas.RepairSchema)
    def start(repair_id: str) -> ListedRepair:
        """Record the syncs of a plan; new pushes go first."""
        return start_backfill(web, repair_id)


def begin_backfill(web: WebContext, body: Mapping[str, Any]) -> ListedRepair:
    """Begin the backfill of a loaded BackfillOrderSchema. Raises Forbidden and NothingUsable."""
    current = web.config.current()
    places: Sequence[ImageFilter] = body.get("repositories", ())
    is_named = bool(places and places[0].repository)
    request = RepairRequest(
        RepairKind.BACKFILL,
        _named(body, current) if is_named else [],
        body.get("sender"),
        body.get("rule") if is_named else None,
        needs_confirmation=not body["start"],
        scope=None if is_named else _scope(body, current),
    )
    return show_repair(web, web.operator.begin_repair(request))


def start_backfill(web: WebContext, repair_id: str) -> ListedRepair:
    """Start a planned backfill. Raises NotFound and StateForbids."""
    show_repair(web, repair_id, RepairKind.BACKFILL)
    web.operator.start_repair(repair_id)
    return show_repair(web, repair_id)


def add_reconcile_routes(routes: Routes, web: WebContext) -> None:
    """Add the routes of reconciles."""
    kind = RepairKind.RECONCILE
    _add_lists(routes, kind, web)

    @routes.post("/reconcile", schemas.RepairSchema, schemas.ReconcileOrderSchema)
    def begin(body: dict[str, Any]) -> ListedRepair:
        """Compare repositories with what the rules require at their targets, and repair them."""
        return begin_reconcile(web, body)


def begin_reconcile(web: WebContext, body: Mapping[str, Any]) -> ListedRepair:
    """Begin the reconcile of a loaded ReconcileOrderSchema. Raises Forbidden and NothingUsable."""
    current = web.config.current()
    images = body.get("repositories")
    repositories = None
    if images is None:
        _require_all()
    else:
        repositories = repositories_in_scope(
            _read_repositories(images), None, body.get("region"), current, everywhere=True
        )
    max_calls = body.get("max_calls", current.options.reconcile.max_calls)
    request = RepairRequest(
        RepairKind.RECONCILE, repositories, report_only=body["report"], max_calls=max_calls
    )
    return show_repair(web, web.operator.begin_repair(request))


def _add_lists(routes: Routes, kind: RepairKind, web: WebContext) -> None:
    @routes.get(f"/{kind}", schemas.RepairPageSchema, PageQuery)
    def list_all(query: dict[str, Any]) -> Page[ListedRepair]:
        """List all, newest first."""
        return list_visible_repairs(web, query, kind)

    @routes.get(f"/{kind}/<repair_id>", schemas.RepairSchema)
    def show(repair_id: str) -> ListedRepair:
        """Show one."""
        return show_repair(web, repair_id, kind)

    @routes.get(f"/{kind}/<repair_id>/tags", schemas.FindingPageSchema, FindingQuery)
    def list_tags(query: dict[str, Any], repair_id: str) -> Page[ListedFinding]:
        """List the findings, tag by tag, each with the state of its sync."""
        show_repair(web, repair_id, kind)
        criteria = to_filter(repairs.FindingFilter, query, web.clock.now())
        return web.read(repairs.list_findings, repair_id, criteria)

    @routes.post(f"/{kind}/<repair_id>/cancel", schemas.RepairSchema)
    def cancel(repair_id: str) -> ListedRepair:
        """Cancel it, and those of its syncs that have not been called yet."""
        return cancel_repair(web, repair_id, kind)


def list_visible_repairs(
    web: WebContext, query: Mapping[str, Any], kind: RepairKind | None
) -> Page[ListedRepair]:
    """Return a page of the repairs of a kind, or of all, that the current request may see."""
    criteria = to_filter(repairs.RepairFilter, {**query}, web.clock.now())
    select = None if scope() is None else _is_visible
    page = web.read(repairs.find_repairs, kind, criteria, select)
    return Page(web.read_repairs(page.items), page.next)


def cancel_repair(web: WebContext, repair_id: str, kind: RepairKind | None = None) -> ListedRepair:
    """Cancel a repair. Raises NotFound and StateForbids."""
    show_repair(web, repair_id, kind)
    web.operator.cancel_repair(repair_id)
    return show_repair(web, repair_id, kind)


def _named(body: Mapping[str, Any], config: Config) -> list[RepositoryRef]:
    """Return the repositories that a backfill names."""
    images = _read_repositories(body["repositories"])
    check_rule(body.get("rule"), config)
    return repositories_in_scope(images, body.get("sender"), body.get("region"), config)


def _scope(body: Mapping[str, Any], config: Config) -> Scope:
    """Return the organizations that a backfill is about."""
    new_region = body.get("new_region")
    namespaces = [place.namespace for place in body.get("repositories", ())] or None
    if namespaces is None or not all(map(is_namespace, namespaces)):
        _require_all()  # a glob may select organizations that the token is not for
    else:
        require_visible(namespaces)
    name_object(", ".join(namespaces or ["all"]) + (f" to {new_region}" if new_region else ""))
    return backfill_scope(namespaces, body.get("region"), new_region, body.get("rule"), config)


def _read_repositories(images: Sequence[ImageFilter]) -> Sequence[tuple[str, str]]:
    repositories = [(image.namespace, image.repository) for image in images]
    require_visible(image.namespace for image in images)
    first = "/".join(repositories[0])
    others = len(repositories) - 1
    name_object(f"{first} and {others} more" if others else first)
    return repositories


def show_repair(web: WebContext, repair_id: str, kind: RepairKind | None = None) -> ListedRepair:
    """Return a repair, of this kind if one is given. Raises NotFound."""
    extent = web.read(repairs.find_extent, kind, repair_id)
    is_known = extent is not None and _is_visible(extent)
    shown = web.read_repairs([repair_id]) if is_known else ()
    return require(next(iter(shown), None), f"there is no {kind or 'repair'} with this id")


def _is_visible(extent: RepairExtent) -> bool:
    """Tell whether the current request may see all repositories of a repair."""
    if scope() is None:
        return True
    if extent.namespaces is not None:
        return all(is_namespace(name) and is_visible(name) for name in extent.namespaces)
    # A key is region/organization/repository; no keys mean all repositories.
    keys = extent.repositories
    return keys is not None and all(is_visible(key.split("/")[1]) for key in keys)


def _require_all() -> None:
    """Raise Forbidden for a token that is limited to organizations."""
    if scope() is not None:
        raise Forbidden(say("the token is limited to organizations (namespaces): name them"))
