"""Errors as answers: application/problem+json (RFC 9457) for every one of them."""

import json
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypeVar

from flask import Flask, Response, request
from marshmallow.exceptions import SCHEMA
from werkzeug.exceptions import HTTPException, MethodNotAllowed, NotFound

from swrhook import errors, logs
from swrhook.errors import NothingUsable, RateLimited, Refused
from swrhook.ledger.failures import is_unavailable, reason_of

Item = TypeVar("Item")

STATUSES: Mapping[type[Refused], HTTPStatus] = {
    errors.UnknownSender: HTTPStatus.NOT_FOUND,
    errors.UnknownImage: HTTPStatus.NOT_FOUND,
    errors.AddressNotAllowed: HTTPStatus.FORBIDDEN,
    errors.Unauthenticated: HTTPStatus.UNAUTHORIZED,
    errors.KeysUnavailable: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.Unconfirmed: HTTPStatus.SERVICE_UNAVAILABLE,
    RateLimited: HTTPStatus.TOO_MANY_REQUESTS,
    errors.Undecodable: HTTPStatus.BAD_REQUEST,
    errors.TooComplex: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.TooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.TooManyImages: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    NothingUsable: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.NothingToReplay: HTTPStatus.CONFLICT,
    errors.StateForbids: HTTPStatus.CONFLICT,
    errors.CannotRecord: HTTPStatus.SERVICE_UNAVAILABLE,
}

# Seconds for Retry-After, where nothing better is known.
RETRY_AFTER = 5


def problem(
    status: int,
    detail: str,
    *,
    reasons: Sequence[str] = (),
    more: Mapping[str, Any] = {},
    headers: Mapping[str, str] = {},
) -> Response:
    """Return an error as problem+json; `more` are members beside those of RFC 9457."""
    body = {"type": "about:blank", "title": HTTPStatus(status).phrase, "status": status}
    members = {"detail": detail} | ({"reasons": list(reasons)} if reasons else {})
    text = json.dumps(body | members | dict(more), ensure_ascii=False) + "\n"
    return Response(
        text.encode(errors="backslashreplace"),  # writes a lone surrogate as JSON escapes it
        status,
        headers,
        content_type="application/problem+json",
    )


def require(item: Item | None, message: str) -> Item:
    """Return an item of the ledger. Raises NotFound with the message if there is none."""
    if item is None:
        raise NotFound(message)
    return item


def refusal(exc: Refused) -> Response:
    """Return the answer to a refused request, as STATUSES maps it."""
    status = STATUSES[type(exc)]
    headers = {}
    if status is HTTPStatus.SERVICE_UNAVAILABLE:
        headers["Retry-After"] = str(RETRY_AFTER)
    if isinstance(exc, RateLimited):
        headers["Retry-After"] = str(exc.retry_after)
    if status is HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    reasons = exc.reasons if isinstance(exc, NothingUsable) else ()
    return problem(status, str(exc), reasons=reasons, headers=headers)


def http_problem(exc: HTTPException) -> Response:
    """Return one of Flask's own errors as problem+json."""
    headers = {k: v for k, v in exc.get_headers() if k not in ("Content-Type", "Content-Length")}
    status = exc.code or HTTPStatus.INTERNAL_SERVER_ERROR
    parameters = getattr(exc, "data", {}).get("messages")  # set by webargs
    if parameters is not None:
        detail = "the request has invalid parameters"
        reasons = [line for location in parameters.values() for line in _lines("", location)]
        return problem(status, detail, reasons=reasons, headers=headers)
    detail = _instead(exc) or exc.description or HTTPStatus(status).phrase
    return problem(status, detail, headers=headers)


def _instead(exc: HTTPException) -> str | None:
    """Return what to do in place of a request that no route takes, None for other errors."""
    if exc.description != type(exc).description:
        return None  # its own
    if isinstance(exc, MethodNotAllowed):
        methods = sorted({*(exc.valid_methods or ())} - {"HEAD", "OPTIONS"})
        return f"{request.method} is not supported here: use {' or '.join(methods)}"
    if isinstance(exc, NotFound):
        return "there is no such route: /api/docs describes the API, docs/api.md every route"
    return None


def _lines(path: str, messages: Any) -> Iterator[str]:  # noqa: ANN401  # of any depth
    """Yield a line for each message of a location, nested as by marshmallow."""
    if not isinstance(messages, Mapping):
        yield from (f"{path or 'body'}: {text}" for text in messages)
        return
    for name, inner in messages.items():
        # An index into a list is left out: the message contains the value.
        is_name = not isinstance(name, int) and name != SCHEMA
        yield from _lines(f"{path}.{name}".lstrip(".") if is_name else path, inner)


def install(app: Flask) -> None:
    """Answer every error of the app as problem+json."""
    app.register_error_handler(Refused, refusal)
    app.register_error_handler(HTTPException, http_problem)
    app.register_error_handler(RecursionError, _too_deep)
    app.register_error_handler(Exception, _internal_error)


def _too_deep(_exc: RecursionError) -> Response:
    return problem(HTTPStatus.BAD_REQUEST, "the JSON is nested too deeply")


def _internal_error(exc: Exception) -> Response:
    if is_unavailable(exc):
        detail = f"the ledger cannot be used now: {reason_of(exc)}"
        headers = {"Retry-After": str(RETRY_AFTER)}
        return problem(HTTPStatus.SERVICE_UNAVAILABLE, detail, headers=headers)
    logs.failure("request.failed", exc)
    detail = "an error in swrhook itself; its log has the details"
    return problem(HTTPStatus.INTERNAL_SERVER_ERROR, detail)
