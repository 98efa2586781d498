"""What the applications of IAM and of a region share: the record, the faults, JSON answers."""

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import cast

from flask import Flask, Response, current_app, g, request
from werkzeug import Response as AnyResponse
from werkzeug.exceptions import HTTPException

from swrhook.simulator import errors, fault_effects, faults
from swrhook.simulator.errors import Refusal
from swrhook.simulator.faults import Subject
from swrhook.simulator.http_server import BODY_LIMIT
from swrhook.simulator.jobs import Image
from swrhook.simulator.mirror import MirrorUnavailable
from swrhook.simulator.model import IAM, Call, Fault, Json, Settings
from swrhook.simulator.state import State
from swrhook.simulator.tagstore import TagStore

# Endpoints that are one operation with another.
_OPERATIONS = {"create_namespace": "namespaces", "namespace": "namespaces"}


def new_app(name: str, state: State, region: str) -> Flask:
    """Make an application that records every call, suffers faults and refuses in JSON."""
    # No static folder, no OPTIONS: the services have neither.
    app = Flask(name, static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False
    app.extensions["state"] = state
    app.extensions["region"] = region
    app.before_request(_begin)
    app.before_request(_suffer)
    app.after_request(_end)
    app.register_error_handler(Refusal, _refuse)
    app.register_error_handler(HTTPException, _refuse_route)
    app.register_error_handler(MirrorUnavailable, _refuse_mirror)
    return app


def state() -> State:
    """Give the state of the simulator that this request came to."""
    return cast("State", current_app.extensions["state"])


def region() -> str:
    """Give the region that this request came to."""
    return cast("str", current_app.extensions["region"])


def settings() -> Settings:
    """Give the settings under which this request is answered."""
    return fault_effects.settings(state().settings, g.get("faults", ()))


def subject() -> Subject:
    """Give what faults are matched with."""
    return cast("Subject", g.subject)


def struck(faults: Sequence[Fault]) -> None:
    """Record faults that strike this request."""
    if faults:
        g.call = state().call_log.strike(g.call, [fault.name for fault in faults])


def answer(body: Json, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:
    """Answer with JSON."""
    content = json.dumps(body, ensure_ascii=False)
    return Response(content, status, dict(headers or {}), content_type="application/json")


def iam_timestamp(time: datetime) -> str:
    """Write a time as IAM does."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def parse_json(content: bytes) -> object:
    """Parse JSON; whatever is wrong with it is a ValueError."""
    try:
        return json.loads(content)
    except RecursionError as exc:
        message = "nested too deeply"
        raise ValueError(message) from exc


def _begin() -> None:
    g.request_id = secrets.token_hex(16)
    its, where = state(), region()
    token = its.accounts.token(request.headers.get("X-Auth-Token", ""))
    call = Call(
        serial=0,
        time=its.clock(),
        region=where,
        operation=_operation(),
        method=request.method,
        path=request.environ["RAW_URI"].partition("?")[0],
        query=request.query_string.decode("latin-1"),
        # A login's body holds a password.
        body=None if where == IAM else _recorded_body(),
        token_region=token.region if token else None,
    )
    g.call = its.call_log.begin(call)
    if len(request.get_data()) > BODY_LIMIT:
        raise errors.gateway(413, "0201", "Request entity too large.")


def _operation() -> str:
    name = (request.endpoint or "unknown").rpartition(".")[2]
    return _OPERATIONS.get(name, name)


def _recorded_body() -> Json:
    content = request.get_data()
    if not content:
        return None
    try:
        return cast("Json", parse_json(content))
    except ValueError:
        return content.decode("utf-8", "replace")


def _suffer() -> AnyResponse | None:
    call = g.call
    names = request.args.to_dict() | (request.view_args or {})
    # A login's body is in no record, but it tells calls apart.
    asked = (call.method, call.path, call.query, request.get_data().decode("latin-1"))
    g.subject = faults.of_call(region(), call.operation, names, call.body, asked)
    g.faults = state().faults.take(g.subject)
    struck(g.faults)
    return fault_effects.begin(_hit()) if g.faults else None


def _end(response: AnyResponse) -> AnyResponse:
    if g.get("faults"):
        response = fault_effects.finish(_hit(), response)
    response.headers["X-Request-Id"] = g.request_id
    unheard = any(fault.connection in ("hang", "reset") for fault in g.get("faults", ()))
    status = None if unheard else response.status_code
    state().call_log.end(g.call, status=status, at=state().clock())
    return response


def _hit() -> fault_effects.Hit:
    return fault_effects.Hit(g.faults, g.request_id, settings(), state().accounts, request.environ)


def _refuse(refusal: Refusal) -> Response:
    shape = settings().error_shape
    body = errors.render(refusal, request_id=g.request_id, swr_shape=shape)
    return answer(body, status=refusal.status)


def _refuse_route(exc: HTTPException) -> Response:
    # The gateway knows no 405: a method that an API lacks is an API that does not exist.
    if exc.code in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
        message = "The API does not exist or has not been published in the environment."
        return _refuse(errors.gateway(404, "0101", message))
    return _refuse(errors.swr(exc.code or 500, "5000000", "Internal error"))


def _refuse_mirror(exc: MirrorUnavailable) -> Response:
    message = f"Failed to obtain the image information: {exc}"
    return _refuse(errors.swr(500, "5000002", message))


def known_organization(namespace: str) -> TagStore:
    """Give the tags of this region, in which the organization must exist."""
    store = state().store(region())
    if not store.has_organization(namespace):
        raise errors.swr(404, "4040058", "The organization was not found.")
    return store


def known_image(image: Image) -> TagStore:
    """Give the tags of this region, in which the repository must exist."""
    store = known_organization(image.namespace)
    if not store.has_repository(image.namespace, image.repository):
        raise errors.swr(404, "4040010", "The image was not found.")
    return store


def swr_timestamp(time: datetime) -> str:
    """Write a time as SWR does, in UTC and whole seconds."""
    # Half the time of strftime, and a listing of tags has two of them for each.
    return time.isoformat()[:19] + "Z"
