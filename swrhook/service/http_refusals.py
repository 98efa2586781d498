"""Answers to requests that do not reach the application, as problem+json (RFC 9457)."""

import json
from collections.abc import Mapping
from http import HTTPStatus

from gunicorn.http import errors

from swrhook import logs

_STATUSES: Mapping[type[Exception], HTTPStatus] = {
    errors.ExpectationFailed: HTTPStatus.EXPECTATION_FAILED,
    errors.LimitRequestHeaders: HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE,
    errors.LimitRequestLine: HTTPStatus.REQUEST_URI_TOO_LONG,
    errors.UnsupportedTransferCoding: HTTPStatus.NOT_IMPLEMENTED,
}
# Headers of the answer, which the application has set, and gunicorn's own settings.
_OURS = (
    errors.InvalidResponseHeader,
    errors.InvalidResponseHeaderName,
    errors.ConfigurationProblem,
)


def refusal(status: HTTPStatus, detail: str) -> bytes:
    """Return a whole answer, after which the connection is closed."""
    problem = {"type": "about:blank", "title": status.phrase, "status": status, "detail": detail}
    body = json.dumps(problem).encode() + b"\n"
    return (
        b"HTTP/1.1 %d %s\r\nContent-Type: application/problem+json\r\n"
        b"Content-Length: %d\r\nConnection: close\r\n\r\n%s"
        % (status, status.phrase.encode(), len(body), body)
    )


def answer(exc: BaseException) -> bytes:
    """Return the answer to a request that gunicorn could not parse, or that has failed; log why.

    gunicorn itself would log parts of the request, and among them secrets.
    """
    name = type(exc).__name__
    if not isinstance(exc, errors.ParseException) or isinstance(exc, _OURS):
        logs.failure("request.failed", exc)
        detail = "an error in swrhook itself; its log has the details"
        return refusal(HTTPStatus.INTERNAL_SERVER_ERROR, detail)
    status = _STATUSES.get(type(exc), HTTPStatus.BAD_REQUEST)
    logs.event("request.refused", status=status.value, reason=name)
    return refusal(status, f"the request is not acceptable HTTP: {name}")
