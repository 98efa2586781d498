"""The base of the IAM and SWR applications: call log, faults, JSON answers, lookups."""

import json
import secrets
from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any, cast

from flask import Flask, Response, current_app, g, request
from werkzeug import Response as AnyResponse
from werkzeug.exceptions import HTTPException

from swrhook.simulator import errors, fault_effects
from swrhook.simulator.errors import Refusal
from swrhook.simulator.faults import Subject, subject_of
from swrhook.simulator.http_server import BODY_LIMIT
from swrhook.simulator.jobs import Image
from swrhook.simulator.mirror import MirrorUnavailable
from swrhook.simulator.model import IAM, Call, Fault, Json, Settings
from swrhook.simulator.state import State, TagStore

# These endpoints are one operation for call log and faults.
_OPERATIONS = {"create_namespace": "namespaces", "namespace": "namespaces"}


def new_app(name: str, state: State, region: str) -> Flask:
    """Create an application that records every call, applies faults and refuses in JSON."""
    # No static folder, no OPTIONS: the services have neither.
    app = Flask(name, static_folder=None)
    app.config["PROVIDE_AUTOMATIC_OPTIONS"] = False
    app.url_map.merge_slashes = False
    app.extensions["state"] = state
    app.extensions["region"] = region
    app.before_request(_record_call)
    app.before_request(_apply_faults)
    app.after_request(_finish_call)
    app.register_error_handler(Refusal, _refuse)
    app.register_error_handler(HTTPException, _refuse_route)
    app.register_error_handler(MirrorUnavailable, _refuse_mirror)
    return app


def state() -> State:
    """Return the state of the simulator that serves this request."""
    return cast("State", current_app.extensions["state"])


def region() -> str:
    """Return the region that serves this request."""
    return cast("str", current_app.extensions["region"])


def settings() -> Settings:
    """Return the settings for this request, which its faults may override."""
    return fault_effects.apply_settings(state().settings, g.get("faults", ()))


def subject() -> Subject:
    """Return what faults are matched with for this request."""
    return cast("Subject", g.subject)


def record_faults(faults: Sequence[Fault]) -> None:
    """Record faults that hit this request."""
    if faults:
        names = (*g.call.faults, *(fault.name for fault in faults))
        g.call = state().call_log.update(g.call, faults=names)


def answer(body: Any, *, status: int = 200, headers: Mapping[str, str] | None = None) -> Response:  # noqa: ANN401 - JSON with times
    """Answer with JSON; times are written in ISO 8601."""
    content = json.dumps(body, ensure_ascii=False, default=iso_timestamp)
    return Response(content, status, dict(headers or {}), content_type="application/json")


def replay() -> Response | None:
    """Answer as the real service did, if the answer to this request was recorded."""
    exchange = state().recorded.take(region(), request.method, request.environ["RAW_URI"])
    if exchange is None:
        return None
    # The date would be that of the recording.
    headers = {name: value for name, value in exchange.headers.items() if name != "date"}
    if not isinstance(exchange.body, str):
        return answer(exchange.body, status=exchange.status, headers=headers)
    return Response(exchange.body, exchange.status, headers)


def answer_page(items: Sequence[Json], *, offset: int, total: int) -> Response:
    """Answer with a part of a list; SWR's Content-Range is `offset-count/total`."""
    return answer(items, headers={"Content-Range": f"{offset}-{len(items)}/{total}"})


def iso_timestamp(time: datetime) -> str:
    """Format a time as the control API does."""
    return time.isoformat().replace("+00:00", "Z")


def iam_timestamp(time: datetime) -> str:
    """Format a time as IAM does."""
    return time.strftime("%Y-%m-%dT%H:%M:%S.%fZ")


def swr_timestamp(time: datetime) -> str:
    """Format a time as SWR does, in UTC and whole seconds."""
    # Takes half the time of strftime; a list of tags has two timestamps per tag.
    return time.isoformat()[:19] + "Z"


def parse_json(content: bytes) -> object:
    """Parse JSON. Raises ValueError, also for JSON that is nested too deeply."""
    try:
        return json.loads(content)
    except RecursionError as exc:
        raise ValueError("nested too deeply") from exc


def require_organization(namespace: str) -> TagStore:
    """Return the tags of this region. Raises Refusal if the organization does not exist."""
    store = state().store(region())
    if not store.has_organization(namespace):
        raise errors.swr("4040058")
    return store


def require_image(image: Image) -> TagStore:
    """Return the tags of this region. Raises Refusal if the repository does not exist."""
    store = require_organization(image.namespace)
    if not store.has_repository(image.namespace, image.repository):
        raise errors.swr("4040010")
    return store


def _record_call() -> None:
    g.request_id = secrets.token_hex(16)
    token = state().accounts.token(request.headers.get("X-Auth-Token", ""))
    endpoint = (request.endpoint or "unknown").rpartition(".")[2]
    call = Call(
        serial=0,
        time=state().clock.now(),
        region=region(),
        operation=_OPERATIONS.get(endpoint, endpoint),
        method=request.method,
        path=request.environ["RAW_URI"].partition("?")[0],
        query=request.query_string.decode("latin-1"),
        # The body of a login contains a password.
        body=None if region() == IAM else _body_to_record(),
        token_region=token.region if token else None,
    )
    g.call = state().call_log.begin(call)
    if len(request.get_data()) > BODY_LIMIT:
        raise errors.gateway("0201", status=413)


def _body_to_record() -> Json:
    content = request.get_data()
    if not content:
        return None
    try:
        return cast("Json", parse_json(content))
    except ValueError:
        return content.decode("utf-8", "replace")


def _apply_faults() -> AnyResponse | None:
    call = g.call
    names = {**request.args.to_dict(), **(request.view_args or {}), **_project_of_login()}
    # Not the recorded body: that of a login is not recorded, but distinguishes calls.
    content = (call.method, call.path, call.query, request.get_data().decode("latin-1"))
    g.subject = subject_of(region(), call.operation, names, call.body, content)
    g.faults = state().faults.take(g.subject)
    record_faults(g.faults)
    return fault_effects.before_call(_hit()) if g.faults else None


def _project_of_login() -> Mapping[str, str]:
    """Return the name of the project that a request to IAM is about, as `project`."""
    if region() != IAM:
        return {}
    if request.method == "GET":
        return {"project": request.args.get("name", "")}
    try:
        body: Any = parse_json(request.get_data())
        return {"project": str(body["auth"]["scope"]["project"]["name"])}
    except (ValueError, LookupError, TypeError):
        return {}


def _finish_call(response: AnyResponse) -> AnyResponse:
    if g.get("faults"):
        response = fault_effects.after_call(_hit(), response)
    response.headers["X-Request-Id"] = g.request_id
    unanswered = any(fault.connection in ("hang", "reset") for fault in g.get("faults", ()))
    status = None if unanswered else response.status_code
    took_ms = round((state().clock.now() - g.call.time).total_seconds() * 1000, 3)
    state().call_log.update(g.call, status=status, took_ms=took_ms)
    return response


def _hit() -> fault_effects.Hit:
    return fault_effects.Hit(g.faults, g.request_id, settings(), state().accounts, request.environ)


def _refuse(refusal: Refusal) -> Response:
    shape = settings().error_shape
    body = errors.render(refusal, request_id=g.request_id, swr_shape=shape)
    return answer(body, status=refusal.status)


def _refuse_route(exc: HTTPException) -> Response:
    # The gateway has no 405: to it, an unknown method is an API that does not exist.
    if exc.code in (HTTPStatus.NOT_FOUND, HTTPStatus.METHOD_NOT_ALLOWED):
        return _refuse(errors.gateway("0101"))
    return _refuse(errors.swr("5000000", "Internal error", status=exc.code))


def _refuse_mirror(exc: MirrorUnavailable) -> Response:
    return _refuse(errors.swr("5000002", f"Failed to obtain the image information: {exc}"))
