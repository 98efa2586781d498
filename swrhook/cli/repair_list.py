"""The command `repairs`: backfills and reconciles together."""

import json
from datetime import timedelta
from operator import itemgetter

import click

from swrhook.cli.client import Client, Item, Query, QueryValue, Unknown, connect
from swrhook.cli.facts import describe_time, print_facts
from swrhook.cli.lists import print_list
from swrhook.cli.options import command, list_options, optional_id_argument
from swrhook.cli.repairs import (
    BACKFILLS,
    RECONCILES,
    Follower,
    count_ended,
    describe_drift_counts,
    describe_repositories,
    describe_result_counts,
)
from swrhook.cli.tables import ID_COLUMN, Column, Resource, age_column
from swrhook.cli.terminal import count_of, print_notice

_KINDS = (BACKFILLS, RECONCILES)
_USUAL_LIMIT = 100


class _Repairs(Resource):
    """Backfills and reconciles as one list."""

    def page(self, client: Client, query: Query) -> Item:
        """Return a page of both lists, newest first: their ids are in the order of time."""
        limit = query.get("limit")
        limit = limit if isinstance(limit, int) else _USUAL_LIMIT
        pages = [kind.page(client, {**query, "limit": limit}) for kind in _KINDS]
        items = sorted(
            (item for page in pages for item in page["items"]), key=itemgetter("id"), reverse=True
        )
        # A list with more pages is known only down to the last id of this one.
        cursor = max((page["next"] for page in pages if page["next"]), default="")
        items = [item for item in items if item["id"] >= cursor][:limit]
        is_last = not cursor and len(items) == sum(len(page["items"]) for page in pages)
        return {"items": items, "next": None if is_last else items[-1]["id"] if items else cursor}


def _progress(repair: Item) -> str:
    """Return how far a repair has come."""
    total = repair["plan"]["to_sync"]
    if repair["state"] == "comparing":
        return count_of(repair["calls"], "request")
    return f"{count_ended(repair)} of {count_of(total, 'sync')}" if total else ""


REPAIRS = _Repairs(
    "",
    "repair",
    "repairs",
    (
        ID_COLUMN,
        age_column("created_at"),
        Column("kind"),
        Column("state", styled=True),
        Column("progress", _progress),
        Column("repositories", describe_repositories),
        Column("compared", describe_drift_counts),
        Column("syncs", describe_result_counts),
        Column("notes", lambda repair: "; ".join(repair["notes"])),
    ),
)


@command(
    "python -m swrhook repairs --since 7d",
    "python -m swrhook repairs 01KB3Y6Q3Z0X4W1V7S5R2N8M9P",
    "python -m swrhook repairs 01KB3Y6Q3Z0X4W1V7S5R2N8M9P --watch",
)
@optional_id_argument
@list_options
def repairs(
    id_: str | None,
    *,
    everything: bool,
    watch: timedelta | None,
    as_json: bool,
    **query: QueryValue,
) -> None:
    """List backfills and reconciles, newest first, or show one with its progress.

    With ID and --watch, follows it until every sync has ended; exit code 1 unless every tag is then
    at its target. `backfill show ID --tags` and `reconcile show ID --tags` list its tags.
    """
    if id_ is None:
        print_list(REPAIRS, query, everything=everything, watch=watch, as_json=as_json)
        return
    if everything or any(value is not None for value in query.values()):
        raise click.UsageError("with an id, only --watch and --json can be used")
    follower = _find(connect(), id_)
    if watch:
        _follow(follower)
    _print(follower.repair, as_json=as_json)
    if watch:
        follower.exit_on_problem()


def _find(client: Client, id_: str) -> Follower:
    for kind in _KINDS:
        try:
            return Follower(client, kind, client.show(kind.item_path(id_)))
        except Unknown:
            continue
    raise click.ClickException(f"there is no backfill and no reconcile with the id {id_}")


def _follow(follower: Follower) -> None:
    follower.wait_until_compared()
    if follower.repair["state"] == "planned":
        print_notice(f"It waits for confirmation: `backfill resume {follower.repair['id']}`.")
    else:
        follower.wait_until_ended()


def _print(repair: Item, *, as_json: bool) -> None:
    if as_json:
        click.echo(json.dumps(repair))
        return
    print_facts(
        [
            (repair["kind"], repair["id"]),
            ("state", repair["state"]),
            ("progress", _progress(repair)),
            ("repositories", describe_repositories(repair)),
            ("sender", repair["sender"]),
            ("rule", repair["rule"]),
            ("compared", describe_drift_counts(repair)),
            ("syncs", describe_result_counts(repair)),
            ("requests", str(repair["calls"])),
            ("created", describe_time(repair["created_at"])),
            ("ended", describe_time(repair["ended_at"])),
            *(("note", note) for note in repair["notes"]),
        ]
    )
