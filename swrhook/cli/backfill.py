"""The command `backfill`."""

from collections.abc import Sequence

import click

from swrhook.cli.bulk import agree
from swrhook.cli.client import Client, Item, connect
from swrhook.cli.repairs import (
    BACKFILLS,
    RepairGroup,
    add_commands,
    follow,
    plan_in_words,
    show_end,
    until_compared,
)
from swrhook.cli.tables import print_items
from swrhook.cli.terminal import examples


@click.group(
    cls=RepairGroup,
    subcommand_metavar="NS/REPO... | COMMAND [ARGS]...",
    epilog=examples(
        "python -m swrhook backfill team-a/web/shop team-a/web/cart",
        "python -m swrhook backfill team-a/web/shop --rule web-releases --yes",
        "python -m swrhook backfill show 01KB3Y6Q3Z0X4W1V7S5R2N8M9P --tags",
        "python -m swrhook backfill cancel 01KB3Y6Q3Z0X4W1V7S5R2N8M9P",
    ),
)
def backfill() -> None:
    """Sync the tags that were in repositories before the rules.

    Lists the tags at the source and at the targets, shows what is to be synced and about how many
    requests that takes, and asks. The syncs go behind fresh pushes; what a target holds already
    costs no call. It goes on in the server when this command ends: `list`, `show` and `cancel`
    speak of it, `resume` follows it again.
    """


@backfill.command("run", hidden=True)
@click.argument("repositories", nargs=-1, required=True, metavar="NS/REPO...")
@click.option("--sender", help="As this sender's pushes.")
@click.option("--region", help="In this source region.")
@click.option("--rule", help="Only what this rule wants.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print the backfill as JSON.")
@click.pass_context
def run(
    context: click.Context,
    /,
    repositories: Sequence[str],
    *,
    yes: bool,
    as_json: bool,
    **options: str | None,
) -> None:
    """Plan, ask, record and follow."""
    client = connect()
    given = {name: value for name, value in options.items() if value is not None}
    begun = client.post(BACKFILLS.path, {"repositories": list(repositories), **given})
    _go_on(context, client, begun, yes=yes, as_json=as_json)


@backfill.command()
@click.argument("id_", metavar="ID")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--json", "as_json", is_flag=True, help="Print the backfill as JSON.")
@click.pass_context
def resume(context: click.Context, /, id_: str, *, yes: bool, as_json: bool) -> None:
    """Go on with a backfill that this command, or another, has left."""
    client = connect()
    begun = client.show(f"{BACKFILLS.path}/{id_}", {})
    _go_on(context, client, begun, yes=yes, as_json=as_json)


add_commands(backfill, BACKFILLS)


def _go_on(
    context: click.Context, client: Client, begun: Item, *, yes: bool, as_json: bool
) -> None:
    found = until_compared(client, BACKFILLS, begun)
    if found["state"] == "planned":
        if found["plan"]["to_sync"]:
            hint = "" if yes else f"\nTo agree later: backfill resume {found['id']}."
            agree(f"{plan_in_words(found)}{hint}", "Sync them?", yes=yes)
        else:
            click.echo(plan_in_words(found), err=True)
        found = client.post(f"{BACKFILLS.path}/{found['id']}/start")
    found = follow(client, BACKFILLS, found)
    print_items(BACKFILLS, [found], as_json=as_json)
    show_end(context, found)
