"""The command `backfill`."""

from collections.abc import Sequence

import click

from swrhook.cli.bulk import confirm
from swrhook.cli.client import Client, Item, connect
from swrhook.cli.options import examples, id_argument, json_option, text_option, yes_option
from swrhook.cli.repairs import BACKFILLS, Follower, RepairGroup
from swrhook.cli.tables import print_items
from swrhook.cli.terminal import print_notice


@click.group(
    cls=RepairGroup,
    resource=BACKFILLS,
    subcommand_metavar="[NS/REPO | NS | 'NS/*']... | COMMAND [ARGS]...",
    epilog=examples(
        "python -m swrhook backfill team-a/web/shop team-a/web/cart",
        "python -m swrhook backfill team-a/web/shop --rule web-releases --yes",
        "python -m swrhook backfill team-a 'team-b-*/*'",
        "python -m swrhook backfill --new-region ap-southeast-1",
        "python -m swrhook backfill show 01KB3Y6Q3Z0X4W1V7S5R2N8M9P --tags",
        "python -m swrhook backfill cancel 01KB3Y6Q3Z0X4W1V7S5R2N8M9P",
    ),
)
def backfill() -> None:
    """Sync tags that repositories or organizations had before there were rules.

    Lists the tags at the source and at the targets, shows what would be synced and about how many
    requests that takes, and asks for confirmation. New pushes have priority over these syncs. A
    tag that a target already holds costs no call. The backfill continues on the server when this
    command ends: `list` and `show` print it, `cancel` ends it, `resume` follows it again.
    """


@backfill.command("run", hidden=True)
@click.argument("repositories", nargs=-1, metavar="[NS/REPO | NS | 'NS/*']...")
@click.option("--all", "everything", is_flag=True, help="All organizations that the rules reach.")
@text_option("--new-region", "Only what the rules copy to this region, of all organizations.")
@text_option("--sender", "Treat the tags as pushes from this sender.")
@text_option("--region", "The source region.")
@text_option("--rule", "Only what this rule selects.")
@yes_option
@json_option("Print the backfill as JSON.")
def run(
    repositories: Sequence[str],
    *,
    everything: bool,
    yes: bool,
    as_json: bool,
    **options: str | None,
) -> None:
    """Create a backfill, confirm its plan, and follow it."""
    if not (repositories or everything or options["new_region"]):
        raise click.UsageError("Name repositories or organizations, or use --all or --new-region.")
    client = connect()
    body = {"repositories": list(repositories) or None, "all": everything, **options}
    repair = client.post(BACKFILLS.path, body)
    _follow(client, repair, yes=yes, as_json=as_json)


@backfill.command()
@id_argument
@yes_option
@json_option("Print the backfill as JSON.")
def resume(id_: str, *, yes: bool, as_json: bool) -> None:
    """Follow a backfill again; asks if it waits for confirmation."""
    client = connect()
    _follow(client, client.show(BACKFILLS.item_path(id_)), yes=yes, as_json=as_json)


def _follow(client: Client, repair: Item, *, yes: bool, as_json: bool) -> None:
    follower = Follower(client, BACKFILLS, repair)
    follower.wait_until_compared()
    repair = follower.repair
    if repair["state"] == "planned":
        plan = follower.describe_plan()
        if repair["plan"]["to_sync"]:
            hint = "" if yes else f"\nTo confirm it later: backfill resume {repair['id']}"
            confirm(f"{plan}{hint}", "Start these syncs?", yes=yes)
        else:
            print_notice(plan)
        follower.start()
    follower.wait_until_ended()
    print_items(BACKFILLS, [follower.repair], as_json=as_json)
    follower.exit_on_problem()
