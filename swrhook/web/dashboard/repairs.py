"""The pages of repairs: begin a backfill or a reconcile, and follow its plan and its result."""

from collections.abc import Mapping, Sequence
from http import HTTPStatus
from typing import Any

from flask import Blueprint, redirect, render_template, request, url_for
from marshmallow import Schema, ValidationError
from werkzeug.wrappers import Response

from swrhook.errors import NothingUsable
from swrhook.ledger.queries.repairs import FindingFilter, ListedRepair, list_findings
from swrhook.model import END_STATES, OPEN_STATES
from swrhook.syncs.reconciliation import (
    ACTIVE_STAGES,
    CANCELLABLE_STAGES,
    Drift,
    RepairKind,
    Stage,
)
from swrhook.web.api.queries import FindingQuery, PageQuery, to_filter
from swrhook.web.api.repairs import (
    begin_backfill,
    begin_reconcile,
    cancel_repair,
    list_visible_repairs,
    show_repair,
    start_backfill,
)
from swrhook.web.api.schemas import BackfillOrderSchema, ReconcileOrderSchema
from swrhook.web.context import WebContext
from swrhook.web.dashboard.labels import DIFFERENCES
from swrhook.web.dashboard.mistakes import mistakes
from swrhook.web.dashboard.syncs import PAGE_SIZE, read_query


def add_repairs(blueprint: Blueprint, web: WebContext) -> None:
    """Add the routes of repairs."""

    @blueprint.get("/repairs")
    def repairs() -> str:
        return _render_list(web, {})

    @blueprint.post("/repairs")
    def begin_repair() -> Response | tuple[str, int]:
        try:
            return _redirect_to(_begin(web).id)
        except (ValidationError, NothingUsable) as exc:
            reasons = mistakes(exc) if isinstance(exc, ValidationError) else exc.reasons
            page = _render_list(web, request.form.to_dict(), reasons)
            return page, HTTPStatus.UNPROCESSABLE_ENTITY

    @blueprint.get("/repairs/<repair_id>")
    def repair(repair_id: str) -> str:
        return _render_repair(web, repair_id)

    @blueprint.post("/repairs/<repair_id>/start")
    def start_repair(repair_id: str) -> Response:
        start_backfill(web, repair_id)
        return _redirect_to(repair_id)

    @blueprint.post("/repairs/<repair_id>/cancel")
    def stop_repair(repair_id: str) -> Response:
        cancel_repair(web, repair_id)
        return _redirect_to(repair_id)


def _begin(web: WebContext) -> ListedRepair:
    """Begin what the form asks for: first always a plan or a report, unless it says `repair`."""
    form: dict[str, Any] = {name: text for name, text in request.form.items() if text.strip()}
    body: dict[str, Any] = {
        name: form[name] for name in ("sender", "region", "rule") if name in form
    }
    repositories = form.get("repositories", "").replace(",", " ").split()
    if form.get("kind") == RepairKind.RECONCILE:
        body.pop("sender", None)
        body.pop("rule", None)
        body["report"] = "repair" not in form
        if repositories:
            body["repositories"] = repositories
        return begin_reconcile(web, ReconcileOrderSchema().load(body))
    return begin_backfill(web, BackfillOrderSchema().load({**body, "repositories": repositories}))


def _render_list(web: WebContext, form: Mapping[str, str], reasons: Sequence[str] = ()) -> str:
    query = read_query() if request.method == "GET" else {}
    kind = RepairKind(query["kind"]) if query.get("kind") in [*RepairKind] else None
    page = list_visible_repairs(web, _load(PageQuery(), query), kind)
    config = web.config.current()
    return render_template(
        "dashboard/repairs.html",
        query=query,
        form=form,
        reasons=reasons,
        page=page,
        rules=[rule.name for rule in config.rules],
        regions=sorted({sender.region for sender in config.senders.values()}),
    )


def _render_repair(web: WebContext, repair_id: str) -> str:
    query = read_query()
    shown = show_repair(web, repair_id)
    drift = query.get("drift")
    chosen = [drift] if drift in [*Drift] else DIFFERENCES
    parameters = _load(FindingQuery(), query, drift=chosen)
    criteria = to_filter(FindingFilter, parameters, web.clock.now())
    return render_template(
        "dashboard/repair.html",
        repair=shown,
        query={"repair_id": repair_id, **query},
        page=web.read(list_findings, repair_id, criteria),
        drifts=[*Drift],
        ended=sum(shown.results[state] for state in shown.results if state in END_STATES),
        is_live=shown.state in ACTIVE_STAGES or bool(shown.results.keys() & OPEN_STATES),
        may_cancel=shown.state in CANCELLABLE_STAGES,
        may_start=shown.state == Stage.PLANNED,
        # A repair has keys of repositories, region/organization/repository; the form has names.
        repositories=[key.split("/", 1)[1] for key in shown.repositories or ()],
        may_repeat=shown.report and shown.state == Stage.DONE,
    )


def _load(schema: Schema, query: Mapping[str, str], **values: object) -> Any:  # noqa: ANN401  # JSON
    """Return the parameters of a page; a cursor that is none leads to the first one."""
    values["limit"] = PAGE_SIZE
    try:
        return schema.load(values | {"cursor": query["cursor"]} if "cursor" in query else values)
    except ValidationError:
        return schema.load(values)


def _redirect_to(repair_id: str) -> Response:
    return redirect(url_for(".repair", repair_id=repair_id), HTTPStatus.SEE_OTHER)
