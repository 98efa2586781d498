"""Every write over the API leaves a row in the ledger and a line in the log."""

from collections.abc import Callable
from dataclasses import asdict

from flask import Response, g, request

from swrhook import logs
from swrhook.errors import CannotRecord
from swrhook.ledger.audit import AuditEntry, record_write
from swrhook.web.access import is_write, named_object, token_holder
from swrhook.web.context import WebContext


def audit_hook(web: WebContext) -> Callable[[Response], Response]:
    """Return what notes a write when its answer is known, refused or not.

    Who brings no valid token is counted, not kept; an answer that is repeated is no write. Where
    the ledger cannot take the row, the line is in the log all the same.
    """

    def note(answer: Response) -> Response:
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

    return note
