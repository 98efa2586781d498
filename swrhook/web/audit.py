"""Audit: every write with a valid token becomes a row in the ledger and a line in the log."""

from collections.abc import Callable
from dataclasses import asdict

from flask import Response, g, request

from swrhook import logs
from swrhook.errors import CannotRecord
from swrhook.ledger.audit import AuditEntry, record_write
from swrhook.web.access import is_write, named_object, token_holder
from swrhook.web.context import WebContext


def audit_hook(web: WebContext) -> Callable[[Response], Response]:
    """Return the hook that records a write once its status is known, also if it was refused.

    Not recorded: requests without a valid token (metrics count them), and stored answers that are
    sent again. If the ledger cannot be written, the line in the log remains.
    """

    def record(answer: Response) -> Response:
        holder = token_holder()
        is_new = is_write() and not g.get("is_repeated")
        if holder is None or request.url_rule is None or not is_new:
            return answer
        action = f"{request.method} {request.url_rule.rule}"
        write = AuditEntry(holder.name, holder.role, action, named_object(), answer.status_code)
        logs.event("api.write", **asdict(write))
        try:
            record_write(web.database, write, web.clock.now())
        except CannotRecord as exc:
            logs.warning("api.write_not_kept", reason=str(exc))
        return answer

    return record
