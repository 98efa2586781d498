"""What `backfill` and `reconcile` have in common: following one, its words, its tables."""

import time
from collections.abc import Mapping
from urllib.parse import quote

import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn

from swrhook.cli.client import Client, Item, connect
from swrhook.cli.tables import LARGEST_PAGE, Column, Kind, list_options, print_items, print_list
from swrhook.model import END_STATES, State

# Seconds between two looks at what goes on in the server.
_PAUSE = 0.5
_GOOD = frozenset({State.VERIFIED, State.UNVERIFIED, State.SUPERSEDED})
_STYLES: Mapping[str, str] = {"done": "green", "cancelled": "dim"}


def _of(item: Item) -> str:
    named = item["repositories"]
    return "all" if named is None else ", ".join(named)


def _findings(item: Item) -> str:
    return ", ".join(f"{item['plan'][name]} {name}" for name in _DRIFTS if item["plan"][name])


def _results(item: Item) -> str:
    return ", ".join(f"{count} {state}" for state, count in sorted(item["results"].items()))


_DRIFTS = ("same", "missing", "diverged", "unwanted", "unreadable")
_COLUMNS = (
    Column("id", lambda item: item["id"], whole=True),
    Column(
        "state",
        lambda item: item["state"],
        whole=True,
        style=lambda item: _STYLES.get(item["state"], "yellow"),
    ),
    Column("repositories", _of),
    Column("found", _findings),
    Column("syncs", _results),
    Column("notes", lambda item: "; ".join(item["notes"])),
)
BACKFILLS = Kind("/api/v1/backfill", "backfills", _COLUMNS)
RECONCILES = Kind("/api/v1/reconcile", "reconciles", _COLUMNS)
_TAG_COLUMNS = (
    Column("image", lambda item: f"{item['namespace']}/{item['repository']}:{item['tag']}"),
    Column("target", lambda item: f"{item['target_region']}/{item['target_namespace']}"),
    Column("found", lambda item: item["drift"], whole=True),
    Column("sync", lambda item: item["state"] or "", whole=True),
    Column("why", lambda item: item["reason"] or ""),
)


class RepairGroup(click.Group):
    """A group that is used as a command: what names none of its own is begun by `run`."""

    def parse_args(self, ctx: click.Context, args: list[str]) -> list[str]:
        """Read the arguments."""
        if args[:1] not in ([name] for name in (*self.commands, *ctx.help_option_names)):
            args = ["run", *args]
        return super().parse_args(ctx, args)

    def format_options(self, ctx: click.Context, formatter: click.HelpFormatter) -> None:
        """Write the options of `run` as the command's own."""
        self.commands["run"].format_options(ctx, formatter)
        self.format_commands(ctx, formatter)


def add_commands(group: click.Group, kind: Kind) -> None:
    """Add `list`, `show` and `cancel`."""
    name = kind.plural.removesuffix("s")

    @group.command("list")
    @list_options
    def list_all(*, everything: bool, as_json: bool, **query: str | None) -> None:
        print_list(kind, query, everything=everything, as_json=as_json)

    @group.command()
    @click.argument("id_", metavar="ID")
    @click.option("--tags", is_flag=True, help="Tag by tag.")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")
    def show(id_: str, *, tags: bool, as_json: bool) -> None:
        client = connect()
        if tags:
            print_tags(client, kind, id_, as_json=as_json)
        else:
            print_items(kind, [client.show(_path(kind, id_), {})], as_json=as_json)

    @group.command()
    @click.argument("id_", metavar="ID")
    @click.option("--json", "as_json", is_flag=True, help="Print JSON, one object a line.")
    def cancel(id_: str, *, as_json: bool) -> None:
        ended = connect().post(f"{_path(kind, id_)}/cancel")
        print_items(kind, [ended], as_json=as_json)

    list_all.help = f"List {kind.plural}, newest first."
    show.help = f"Show a {name} and how its syncs fare."
    cancel.help = f"End a {name}, and its syncs that no call was made for."


def until_compared(client: Client, kind: Kind, begun: Item) -> Item:
    """Wait until everything is compared, and return the repair."""
    found = begun
    with _progress("Comparing") as progress:
        task = progress.add_task("", total=None)
        while found["state"] == "comparing":
            time.sleep(_PAUSE)
            found = client.show(_path(kind, str(found["id"])), {})
            progress.update(task, completed=found["calls"])
    return found


def follow(client: Client, kind: Kind, begun: Item) -> Item:
    """Wait until every sync has ended, and return the repair."""
    found = begun
    with _progress("Syncing") as progress:
        task = progress.add_task("", total=found["plan"]["to_sync"])
        while not _has_ended(found):
            time.sleep(_PAUSE)
            found = client.show(_path(kind, str(found["id"])), {})
            progress.update(task, completed=_ended(found))
    return found


def plan_in_words(found: Item) -> str:
    """Return what was found, and what mending it takes."""
    plan = found["plan"]
    lines = [f"{_of(found)}: {_findings(found) or 'nothing differs'}."]
    lines += [f"{note}" for note in found["notes"]]
    if plan["to_sync"]:
        lines.append(
            f"{plan['to_sync']} to sync: {plan['sync_images']} calls of sync_images,"
            f" about {plan['looks']} looks; {found['calls']} calls were made to compare."
        )
    return "\n".join(lines)


def print_tags(client: Client, kind: Kind, repair_id: str, *, as_json: bool) -> None:
    """Print what was found, tag by tag, and what became of it."""
    path = f"{_path(kind, repair_id)}/tags"
    pages = client.pages(path, {"limit": LARGEST_PAGE})
    tags = Kind(path, "tags", _TAG_COLUMNS)
    print_items(tags, (item for page in pages for item in page.items), as_json=as_json)


def show_end(context: click.Context, found: Item) -> None:
    """End with 1 unless everything is at its target."""
    results, plan = found["results"], found["plan"]
    is_good = results.keys() <= _GOOD and found["state"] == "done" and not found["notes"]
    if found["report"]:
        is_good = is_good and not any(plan[name] for name in _DRIFTS[1:])
    if not is_good:
        context.exit(1)


def _ended(found: Item) -> int:
    return sum(count for state, count in found["results"].items() if state in END_STATES)


def _has_ended(found: Item) -> bool:
    if found["state"] in ("comparing", "planned", "ordering"):
        return False
    return bool(_ended(found) == found["ordered"])


def _path(kind: Kind, repair_id: str) -> str:
    return f"{kind.path}/{quote(repair_id, safe='')}"


def _progress(doing: str) -> Progress:
    console = Console(stderr=True)
    columns = (TextColumn(doing), BarColumn(), MofNCompleteColumn())
    return Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
