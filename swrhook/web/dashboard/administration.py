"""The pages for administrators: the audit log, and the names of the tokens."""

from flask import Blueprint, render_template

from swrhook.ledger.audit import AuditFilter, list_writes
from swrhook.web.api.queries import AuditQuery, to_filter
from swrhook.web.context import WebContext
from swrhook.web.dashboard.syncs import PAGE_SIZE, read_page, read_query


def add_administration(blueprint: Blueprint, web: WebContext) -> None:
    """Add the routes of the audit log and of the tokens."""

    @blueprint.get("/audit")
    def audit() -> str:
        query = read_query()

        def load() -> AuditFilter:
            loaded = AuditQuery().load({**query, "limit": PAGE_SIZE})
            return to_filter(AuditFilter, loaded, web.clock.now())

        page, errors = read_page(web, list_writes, load)
        tokens = [token.name for token in web.config.current().access.tokens]
        return render_template(
            "dashboard/audit.html", query=query, errors=errors, page=page, tokens=tokens
        )

    @blueprint.get("/tokens")
    def tokens() -> str:
        config = web.config.current()
        return render_template(
            "dashboard/tokens.html",
            tokens=config.access.tokens,
            sso=config.sso,
            metrics_public=config.access.metrics_public,
        )
