"""Idempotency-Key: a write that is sent again has one effect, and the same answer.

The key is taken before the write and the answer kept after it; a process that dies in between
leaves the key taken for some minutes, and then the write may have an effect again.
"""

from collections.abc import Callable
from datetime import datetime
from hashlib import sha256
from http import HTTPStatus

from flask import Response, g, request

from swrhook import logs
from swrhook.errors import CannotRecord
from swrhook.ledger.database import Database
from swrhook.ledger.idempotency import IdempotentRequest, StoredResponse, release, reserve, store
from swrhook.web.access import SAFE_METHODS, token_name
from swrhook.web.context import WebContext
from swrhook.web.problems import problem

HEADER = "Idempotency-Key"
_LONGEST = 255


def replay_hook(web: WebContext) -> Callable[[], Response | None]:
    """Return what answers a repeated write of the API from the ledger; stands behind the guard."""

    def take() -> Response | None:
        if token_name() is None or request.method in SAFE_METHODS:
            return None
        request.max_content_length = web.config.current().options.body_limit
        key = request.headers.get(HEADER)
        return None if key is None else _take(web.database, key, web.clock.now())

    return take


def _take(database: Database, key: str, now: datetime) -> Response | None:
    if not (0 < len(key) <= _LONGEST and key.isascii() and key.isprintable()):
        words = f"{HEADER} must be 1 to {_LONGEST} visible ASCII characters"
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, words)
    wanted = _request(key)
    found = reserve(database, wanted, now)
    if found is None:
        g.idempotency_key = wanted.key
        return None
    g.is_repeated = True
    return _again(found, wanted)


def store_hook(web: WebContext) -> Callable[[Response], Response]:
    """Return what keeps the answer of a write that took a key."""

    def give(answer: Response) -> Response:
        key = g.pop("idempotency_key", None)
        if key is not None:
            try:
                _give(web.database, key, answer)
            except CannotRecord as exc:
                logs.warning("api.answer_not_kept", reason=str(exc))
        return answer

    return give


def _give(database: Database, key: str, answer: Response) -> None:
    if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        release(database, key)
    else:
        content = (answer.content_type or "", answer.get_data())
        store(database, key, answer.status_code, content)


def _request(key: str) -> IdempotentRequest:
    """Return the request as it is kept: keys belong to a token, and neither is kept as it is."""
    content = b"\n".join((request.method.encode(), request.full_path.encode(), request.get_data()))
    owned = f"{token_name()}\n{key}"
    return IdempotentRequest(sha256(owned.encode()).hexdigest(), sha256(content).hexdigest())


def _again(found: StoredResponse, wanted: IdempotentRequest) -> Response:
    if found.fingerprint != wanted.fingerprint:
        words = f"this {HEADER} was used for another request"
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, words)
    if found.status is None:
        words = f"a request with this {HEADER} is being carried out: ask again"
        return problem(HTTPStatus.CONFLICT, words, headers={"Retry-After": "1"})
    return Response(found.body, found.status, content_type=found.content_type)
