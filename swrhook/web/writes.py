"""Every write is recorded in the audit log, and takes effect once if it has an Idempotency-Key.

A repeated write gets the stored answer. The key is reserved before the write, and the answer is
stored after it. If the process dies in between, the key stays reserved for some minutes; after that
the write can take effect again.
"""

from dataclasses import asdict
from datetime import datetime
from hashlib import sha256
from http import HTTPStatus

from flask import Blueprint, Response, g, request

from swrhook import logs
from swrhook.errors import CannotRecord
from swrhook.ledger.audit import AuditEntry, record_writes
from swrhook.ledger.database import Database
from swrhook.ledger.idempotency import IdempotentRequest, StoredResponse, release, reserve, store
from swrhook.web.access import SAFE_METHODS, is_write, named_objects, token_holder, token_name
from swrhook.web.context import WebContext
from swrhook.web.problems import problem

HEADER = "Idempotency-Key"
_LONGEST = 255


def add_write_hooks(blueprint: Blueprint, web: WebContext) -> None:
    """Record each write of the blueprint, and answer repeated ones. The hooks run after `guard`.

    For a blueprint, not the app: the routes that receive deliveries need neither, and every
    function that Flask calls costs time on each request.
    """
    # Flask calls after_request functions in reverse order: the answer is stored before the audit.
    _add_audit(blueprint, web)
    _add_idempotency(blueprint, web)


def _add_audit(blueprint: Blueprint, web: WebContext) -> None:
    """Record each write of the blueprint once its status is known, also if it was refused.

    Not recorded: requests without a valid token (metrics count them), and stored answers that are
    sent again. If the ledger cannot be written, the line in the log remains.
    """

    @blueprint.after_request
    def record(answer: Response) -> Response:
        if not is_write() or g.get("is_repeated"):
            return answer
        holder = token_holder()
        if holder is None or request.url_rule is None:
            return answer
        action = f"{request.method} {request.url_rule.rule}"
        writes = [
            AuditEntry(holder.name, holder.role, action, name, answer.status_code)
            for name in named_objects()
        ]
        for write in writes:
            logs.event("api.write", **asdict(write))
        try:
            record_writes(web.database, writes, web.clock.now())
        except CannotRecord as exc:
            logs.warning("api.write_not_kept", reason=str(exc))
        return answer


def _add_idempotency(blueprint: Blueprint, web: WebContext) -> None:
    """Answer a repeated write of the blueprint with the stored answer."""

    @blueprint.before_request
    def replay() -> Response | None:
        if request.method in SAFE_METHODS or token_name() is None:
            return None
        request.max_content_length = web.config.current().options.body_limit
        # Of a query no answer is kept: it may be large, and the role `ask` is enough for one.
        key = request.headers.get(HEADER) if is_write() else None
        return None if key is None else _reserve(web.database, key, web.clock.now())

    @blueprint.after_request
    def store_answer(answer: Response) -> Response:
        key = g.pop("idempotency_key", None)
        if key is not None:
            try:
                _store(web.database, key, answer)
            except CannotRecord as exc:
                logs.warning("api.answer_not_kept", reason=str(exc))
        return answer


def _reserve(database: Database, key: str, now: datetime) -> Response | None:
    """Reserve the key; return the answer if the key is invalid or was used before."""
    if not (0 < len(key) <= _LONGEST and key.isascii() and key.isprintable()):
        detail = f"{HEADER} must be 1 to {_LONGEST} visible ASCII characters"
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
    current = _current_request(key)
    stored = reserve(database, current, now)
    if stored is None:
        g.idempotency_key = current.key
        return None
    g.is_repeated = True
    return _stored_answer(stored, current)


def _store(database: Database, key: str, answer: Response) -> None:
    # A server error may be gone at the next try: the key is freed instead.
    if answer.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR:
        release(database, key)
    else:
        store(database, key, answer.status_code, (answer.content_type or "", answer.get_data()))


def _current_request(key: str) -> IdempotentRequest:
    """Return the hashes of key and content. A key belongs to one token; neither is stored."""
    content = b"\n".join((request.method.encode(), request.full_path.encode(), request.get_data()))
    owned = f"{token_name()}\n{key}"
    return IdempotentRequest(sha256(owned.encode()).hexdigest(), sha256(content).hexdigest())


def _stored_answer(stored: StoredResponse, current: IdempotentRequest) -> Response:
    if stored.fingerprint != current.fingerprint:
        detail = f"this {HEADER} was used for another request"
        return problem(HTTPStatus.UNPROCESSABLE_ENTITY, detail)
    if stored.status is None:
        detail = f"a request with this {HEADER} is in progress: try again"
        return problem(HTTPStatus.CONFLICT, detail, headers={"Retry-After": "1"})
    return Response(stored.body, stored.status, content_type=stored.content_type)
