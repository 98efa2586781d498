"""Repositories by region: where the newest tags of each repository are."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import Blueprint, render_template
from marshmallow import ValidationError

from swrhook.ledger.queries.syncs import list_syncs
from swrhook.ledger.queries.views import ListedSync
from swrhook.web.context import WebContext
from swrhook.web.dashboard.syncs import asked_for, which_syncs

# So many syncs make one page, however many repositories and tags they are of.
READ = 300
MOST_TAGS = 5


@dataclass(frozen=True, slots=True)
class TagRow:
    """A tag, and its newest sync to each target, by region."""

    tag: str
    by_region: Mapping[str, Sequence[ListedSync]]


@dataclass(frozen=True, slots=True)
class Repository:
    """A repository under its sender's name, its newest tags first; `more` were not shown."""

    source_region: str
    name: str
    tags: Sequence[TagRow]
    more: int


def add_repositories(blueprint: Blueprint, web: WebContext) -> None:
    """Add the route."""

    @blueprint.get("/repositories")
    def repositories() -> str:
        asked = asked_for()
        found: Sequence[ListedSync] = []
        after = None
        try:
            wanted = which_syncs(asked, web.clock.now(), READ)
        except ValidationError as exc:
            mistakes = exc.messages_dict
        else:
            mistakes = {}
            with web.database.read() as connection:
                page = list_syncs(connection, wanted)
            found, after = page.items, page.next
        return render_template(
            "dashboard/repositories.html",
            asked=asked,
            mistakes=mistakes,
            repositories=group(found),
            regions=sorted({sync.target_region for sync in found}),
            next=after,
            read=len(found),
        )


def group(found: Sequence[ListedSync]) -> list[Repository]:
    """Return the repositories of these syncs, which come newest first; of each way the newest."""
    tags: dict[tuple[str, str], dict[str, dict[str, dict[str, ListedSync]]]] = {}
    for sync in found:
        repository = sync.source_region, f"{sync.namespace}/{sync.repository}"
        by_region = tags.setdefault(repository, {}).setdefault(sync.tag, {})
        by_region.setdefault(sync.target_region, {}).setdefault(sync.target_namespace, sync)
    return [
        Repository(
            region,
            name,
            [
                TagRow(tag, {target: list(each.values()) for target, each in by_region.items()})
                for tag, by_region in list(of_tag.items())[:MOST_TAGS]
            ],
            max(len(of_tag) - MOST_TAGS, 0),
        )
        for (region, name), of_tag in tags.items()
    ]
