"""The command `reconcile`."""

from collections.abc import Sequence

import click

from swrhook.cli.client import connect
from swrhook.cli.repairs import (
    RECONCILES,
    RepairGroup,
    add_commands,
    follow,
    plan_in_words,
    print_tags,
    show_end,
    until_compared,
)
from swrhook.cli.terminal import examples


@click.group(
    cls=RepairGroup,
    subcommand_metavar="[NS/REPO]... | COMMAND [ARGS]...",
    epilog=examples(
        "python -m swrhook reconcile --report",
        "python -m swrhook reconcile team-a/web/shop",
        "python -m swrhook reconcile show 01KB3Y6Q3Z0X4W1V7S5R2N8M9P --tags --json",
    ),
)
def reconcile() -> None:
    """Compare sources with targets, and mend what differs.

    Without repositories, all that were ever synced, going on where the last pass stopped. A pass
    makes at most --max-calls requests. What is missing at a target is synced, and what another
    image has taken the place of, where the rule overrides; what is not wanted any more is told.
    """


@reconcile.command("run", hidden=True)
@click.argument("repositories", nargs=-1, metavar="[NS/REPO]...")
@click.option("--region", help="With repositories: in this source region.")
@click.option("--report", is_flag=True, help="Only tell what differs; exit 1 if something does.")
@click.option("--max-calls", type=click.IntRange(1), help="settings.reconcile.max_calls else.")
@click.option("--json", "as_json", is_flag=True, help="Print what differs as JSON, one a line.")
@click.pass_context
def run(
    context: click.Context,
    /,
    repositories: Sequence[str],
    *,
    report: bool,
    as_json: bool,
    region: str | None,
    max_calls: int | None,
) -> None:
    """Compare, mend and follow."""
    client = connect()
    given = {"repositories": list(repositories), "region": region, "max_calls": max_calls}
    body = {name: value for name, value in given.items() if value}
    begun = client.post(RECONCILES.path, {**body, "report": report})
    found = until_compared(client, RECONCILES, begun)
    click.echo(plan_in_words(found), err=True)
    if not report:
        found = follow(client, RECONCILES, found)
    print_tags(client, RECONCILES, str(found["id"]), as_json=as_json)
    show_end(context, found)


add_commands(reconcile, RECONCILES)
