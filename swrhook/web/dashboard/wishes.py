"""The buttons of a sync: begin it from new, or end it."""

from collections.abc import Callable
from datetime import datetime
from http import HTTPStatus

from flask import Blueprint, redirect, url_for
from werkzeug.exceptions import NotFound
from werkzeug.wrappers import Response

from swrhook.config.model import Config
from swrhook.ledger.operator import Operator
from swrhook.usecases.manual_syncs import wanted_now


def add_wishes(
    blueprint: Blueprint,
    operator: Operator,
    config: Callable[[], Config],
    clock: Callable[[], datetime],
) -> None:
    """Add the routes; both lead back to the sync's page."""

    @blueprint.post("/syncs/<sync_id>/retry")
    def retry(sync_id: str) -> Response:
        current = config()
        found = operator.retry(
            sync_id, lambda sync: wanted_now(sync, current), current.version, clock()
        )
        return _back(sync_id, "retried", found=found)

    @blueprint.post("/syncs/<sync_id>/cancel")
    def cancel(sync_id: str) -> Response:
        return _back(sync_id, "cancelled", found=operator.cancel(sync_id, clock()))


def _back(sync_id: str, note: str, *, found: bool) -> Response:
    if not found:
        raise NotFound("There is no sync with this id; old ones are removed in time.")
    return redirect(url_for(".sync", sync_id=sync_id, note=note), HTTPStatus.SEE_OTHER)
