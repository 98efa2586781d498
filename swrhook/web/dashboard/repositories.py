"""The page of repositories: the newest tags of each, with their state in each region; as CSV."""

import csv
import io
import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import islice
from typing import TypeAlias

from flask import Blueprint, Response, render_template
from werkzeug.exceptions import BadRequest

from swrhook.ledger.queries.syncs import list_syncs
from swrhook.ledger.queries.views import ListedSync
from swrhook.web.api.fields import format_instant
from swrhook.web.context import WebContext
from swrhook.web.dashboard.syncs import load_sync_filter, read_page, read_query
from swrhook.wording.message import join_parts, say

# Syncs that are read for one page, whatever the number of repositories and tags.
SYNCS_PER_PAGE = 300
MOST_TAGS = 5
SYNCS_PER_FILE = 10_000
_COLUMNS = (
    "source_region",
    "namespace",
    "repository",
    "tag",
    "digest",
    "target_region",
    "target_namespace",
    "state",
    "created_at",
    "verified_at",
    "observed_at",
    "reason",
    "id",
    "drift",
)
# Where a cell may begin with a character of a formula; of those, some are of full width.
_FORMULA = re.compile(r"(^|[;\t\r\n])(?=[=+\-@\t\r\uff1d\uff0b\uff0d\uff20])")
_Targets: TypeAlias = dict[str, dict[str, ListedSync]]  # by region, then by organization


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository in its source region, newest tags first; `more` tags are not shown.

    `tags` has the newest sync of each tag to each target.
    """

    source_region: str
    name: str
    tags: Mapping[str, _Targets]
    more: int


def add_repositories(blueprint: Blueprint, web: WebContext) -> None:
    """Add the route of repositories."""

    @blueprint.get("/repositories")
    def repositories() -> str:
        query = read_query()
        page, errors = read_page(
            web, list_syncs, lambda: load_sync_filter(web, query, SYNCS_PER_PAGE)
        )
        return render_template(
            "dashboard/repositories.html",
            query=query,
            errors=errors,
            page=page,
            repositories=group_by_repository(page.items),
            regions=sorted({sync.target_region for sync in page.items}),
        )

    @blueprint.get("/repositories.csv")
    def repositories_csv() -> Response:
        query = read_query()
        with web.large_pages.take():
            page, errors = read_page(
                web, list_syncs, lambda: load_sync_filter(web, query, SYNCS_PER_FILE)
            )
            text = write_csv(page.items)
        if errors:
            raise BadRequest(say("the filter is invalid: %(errors)s", errors=join_parts(errors)))
        headers = {"Content-Disposition": "attachment; filename=swrhook-syncs.csv"}
        return Response(text, headers=headers, content_type="text/csv")


def write_csv(syncs: Sequence[ListedSync]) -> str:
    """Write syncs as CSV, with a row for the headings."""
    text = io.StringIO()
    writer = csv.writer(text)
    writer.writerow(_COLUMNS)
    for sync in syncs:
        cells = [getattr(sync, name) for name in _COLUMNS[:-1]]
        cells.append(sync.drift.kind.value if sync.drift else "")
        writer.writerow(to_cell(cell) for cell in cells)
    return text.getvalue()


def to_cell(value: object) -> str:
    """Write a value for a spreadsheet, which must not take it for a formula.

    Many separate cells by semicolons or tabs: what follows one may begin a cell, too.
    """
    if isinstance(value, datetime):
        return format_instant(value)
    return "" if value is None else _FORMULA.sub(r"\1'", str(value))


def group_by_repository(syncs: Sequence[ListedSync]) -> list[Repository]:
    """Return the repositories of these syncs, and for each tag its newest sync to each target.

    The syncs must be sorted newest first; so are the repositories and their tags.
    """
    repositories: dict[tuple[str, str], dict[str, _Targets]] = {}
    for sync in syncs:
        name = f"{sync.namespace}/{sync.repository}"
        tags = repositories.setdefault((sync.source_region, name), {})
        by_region = tags.setdefault(sync.tag, {})
        # The newest sync comes first: a later one to the same target is older.
        by_region.setdefault(sync.target_region, {}).setdefault(sync.target_namespace, sync)
    return [
        Repository(
            region, name, dict(islice(tags.items(), MOST_TAGS)), max(len(tags) - MOST_TAGS, 0)
        )
        for (region, name), tags in repositories.items()
    ]
