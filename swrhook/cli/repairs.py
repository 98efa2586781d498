"""What `backfill` and `reconcile` share: subcommands, tables, and following one on the server."""

import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from itertools import chain
from operator import itemgetter
from typing import Any

import click

from swrhook.cli.client import Client, Item, connect
from swrhook.cli.lists import print_list
from swrhook.cli.options import id_argument, json_option, list_options
from swrhook.cli.syncs import IMAGE_COLUMN, TARGET_COLUMN, short_time
from swrhook.cli.tables import ID_COLUMN, Column, Resource, age_column, print_items
from swrhook.cli.terminal import count_of, print_notice, progress_bar
from swrhook.model import END_STATES, State
from swrhook.syncs.reconciliation import Drift

# Seconds between two polls.
_POLL_INTERVAL = 0.5
_SUCCESSFUL = frozenset({State.VERIFIED, State.UNVERIFIED, State.SUPERSEDED})
_COMPARING = ("discovering", "comparing")
_MOST_RULES = 3
_DIFFERENCES = set(Drift) - {Drift.SAME}


def describe_repositories(repair: Item) -> str:
    """Return the names of the repositories or organizations that a repair compares."""
    scope = repair.get("scope")
    if scope is None:
        return "all" if repair["repositories"] is None else ", ".join(repair["repositories"])
    names = ", ".join(scope["namespaces"] or ["all"])
    target = f" to {scope['target_region']}" if scope["target_region"] else ""
    rules = scope["rules"] or []
    by = f" by {', '.join(rules[:_MOST_RULES])}" if rules else ""
    more = f" and {len(rules) - _MOST_RULES} more" if len(rules) > _MOST_RULES else ""
    return f"{names}{target}{by}{more}"


def describe_progress(repair: Item) -> str:
    """Return how many repositories are compared, and when all will be; empty after that."""
    if repair["state"] not in _COMPARING or not repair["total"]:
        return ""
    eta = f", until {short_time(repair['eta'])}" if repair["eta"] else ""
    return f"{repair['done']} of {repair['total']}{eta}"


def describe_drift_counts(repair: Item) -> str:
    """Return how many tags differ, and how."""
    plan = repair["plan"]
    return ", ".join(f"{plan[drift]} {drift}" for drift in Drift if plan[drift])


def describe_result_counts(repair: Item) -> str:
    """Return how many syncs of a repair are in which state."""
    return ", ".join(f"{count} {state}" for state, count in sorted(repair["results"].items()))


_COLUMNS = (
    ID_COLUMN,
    age_column("created_at"),
    Column("state", styled=True),
    Column("repositories", describe_repositories),
    Column("progress", describe_progress),
    Column("compared", describe_drift_counts),
    Column("syncs", describe_result_counts),
    Column("notes", lambda repair: "; ".join(repair["notes"])),
)
_TAG_COLUMNS = (
    IMAGE_COLUMN,
    TARGET_COLUMN,
    Column("difference", itemgetter("drift")),
    Column("sync", lambda tag: tag["state"] or ""),
    Column("why", lambda tag: tag["reason"] or ""),
)
BACKFILLS = Resource("/api/v1/backfill", "backfill", "backfills", _COLUMNS)
RECONCILES = Resource("/api/v1/reconcile", "reconcile", "reconciles", _COLUMNS)


def count_ended(repair: Item) -> int:
    """Return how many syncs of a repair have ended."""
    return sum(count for state, count in repair["results"].items() if state in END_STATES)


@dataclass(slots=True)
class Follower:
    """Follows a backfill or a reconcile on the server; `repair` is its latest state."""

    client: Client
    resource: Resource
    repair: Item

    def wait_until_compared(self) -> None:
        """Poll until sources and targets are compared."""
        with self._interruptible(), progress_bar("Listing") as progress:
            while self.repair["state"] == "discovering":
                self._poll()
                progress.complete(self.repair["calls"])
        total = self.repair.get("total")
        with self._interruptible(), progress_bar("Comparing", total) as progress:
            while self.repair["state"] == "comparing":
                self._poll()
                progress.complete(self.repair["done"])

    def wait_until_ended(self) -> None:
        """Poll until every sync has ended."""
        total = self.repair["plan"]["to_sync"]
        with self._interruptible(), progress_bar("Syncing", total) as progress:
            while not self._has_ended():
                self._poll()
                progress.complete(count_ended(self.repair))

    def start(self) -> None:
        """Start the syncs of a planned backfill."""
        self.repair = self.client.post(f"{self._path()}/start")

    def describe_plan(self) -> str:
        """Return the differences and what it takes to repair them."""
        plan = self.repair["plan"]
        notes = self.repair["notes"]
        # Where nothing was found because nothing could be compared, only the notes say why.
        differences = describe_drift_counts(self.repair) or ("" if notes else "no differences")
        summary = [f"{describe_repositories(self.repair)}: {differences}."] if differences else []
        lines = [*summary, *notes]
        if plan["to_sync"]:
            syncs = count_of(plan["to_sync"], "sync")
            calls = count_of(plan["sync_images"], "call")
            requests = count_of(plan["looks"], "request")
            lines += [
                f"{syncs} to create: {calls} of sync_images and about {requests} to read tags.",
                f"Comparing took {count_of(self.repair['calls'], 'request')}.",
            ]
        return "\n".join(lines)

    def exit_on_problem(self) -> None:
        """Exit with code 1 unless every tag is at its target."""
        repair = self.repair
        is_complete = repair["state"] == "done" and not repair["notes"]
        has_difference = any(repair["plan"][drift] for drift in _DIFFERENCES)
        if (
            not is_complete
            or repair["results"].keys() - _SUCCESSFUL
            or (repair["report"] and has_difference)
        ):
            sys.exit(1)

    def _poll(self) -> None:
        time.sleep(_POLL_INTERVAL)
        self.repair = self.client.show(self._path())

    def _path(self) -> str:
        return self.resource.item_path(self.repair["id"])

    def _has_ended(self) -> bool:
        is_ordered = self.repair["state"] not in {*_COMPARING, "planned", "ordering"}
        return is_ordered and bool(count_ended(self.repair) == self.repair["ordered"])

    @contextmanager
    def _interruptible(self) -> Iterator[None]:
        """Say on Ctrl-C that the server goes on."""
        try:
            yield
        except KeyboardInterrupt:
            kind, id_ = self.resource.singular, self.repair["id"]
            print_notice(
                f"The {kind} continues on the server: `repairs {id_} --watch` follows it, "
                f"`{kind} cancel {id_}` ends it."
            )
            sys.exit(1)


def print_tags(
    client: Client, resource: Resource, repair_id: str, *, as_json: bool, report_none: bool = True
) -> None:
    """Print every compared tag, and the state of its sync."""
    path = f"{resource.item_path(repair_id)}/tags"
    tags = Resource(path, "tag", "tags", _TAG_COLUMNS)
    items = chain.from_iterable(tags.pages(client, {}))
    print_items(tags, items, as_json=as_json, report_none=report_none)


class RepairGroup(click.Group):
    """A group that is also a command: without a subcommand's name, it runs `run`."""

    def __init__(self, *, resource: Resource, **options: Any) -> None:  # noqa: ANN401  # click's
        """Add the subcommands `list`, `show` and `cancel` for a resource."""
        super().__init__(**options)

        @self.command("list", help=f"List {resource.plural}, newest first.")
        @list_options
        def _list(
            *, everything: bool, watch: timedelta | None, as_json: bool, **query: str | None
        ) -> None:
            print_list(resource, query, everything=everything, watch=watch, as_json=as_json)

        @self.command("show", help=f"Show a {resource.singular} and the results of its syncs.")
        @id_argument
        @click.option("--tags", is_flag=True, help="Show every compared tag.")
        @json_option()
        def _show(id_: str, *, tags: bool, as_json: bool) -> None:
            client = connect()
            if tags:
                print_tags(client, resource, id_, as_json=as_json)
            else:
                print_items(resource, [client.show(resource.item_path(id_))], as_json=as_json)

        help_text = f"Cancel a {resource.singular}, and its syncs that have had no call."

        @self.command("cancel", help=help_text)
        @id_argument
        @json_option()
        def _cancel(id_: str, *, as_json: bool) -> None:
            repair = connect().post(f"{resource.item_path(id_)}/cancel")
            print_items(resource, [repair], as_json=as_json)

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Put `run` before arguments that do not begin with a subcommand or ask for help."""
        is_completion = ctx.resilient_parsing and not args
        if not is_completion and args[:1] not in (
            [name] for name in (*self.commands, *ctx.help_option_names)
        ):
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options of `run` as the group's own."""
        self.commands["run"].format_options(ctx, formatter)
        self.format_commands(ctx, formatter)
