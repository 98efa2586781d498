"""The command `reconcile`."""

from collections.abc import Sequence

import click

from swrhook.cli.client import connect
from swrhook.cli.options import examples, json_option, text_option
from swrhook.cli.repairs import RECONCILES, Follower, RepairGroup, print_tags
from swrhook.cli.terminal import print_notice


@click.group(
    cls=RepairGroup,
    resource=RECONCILES,
    subcommand_metavar="[NS/REPO]... | COMMAND [ARGS]...",
    epilog=examples(
        "python -m swrhook reconcile --report",
        "python -m swrhook reconcile team-a/web/shop",
        "python -m swrhook reconcile show 01KB3Y6Q3Z0X4W1V7S5R2N8M9P --tags --json",
    ),
)
def reconcile() -> None:
    """Compare sources with targets and repair the differences.

    Without repositories, compares every one that the rules reach or that was ever synced: first
    those that have changed, then those that were compared longest ago. A run makes at most
    --max-calls requests. A tag that is missing at a target is synced, and so is a tag with another
    image, if the rule has `override: true`. Tags that no rule selects any more are only reported.
    """


@reconcile.command("run", hidden=True)
@click.argument("repositories", nargs=-1, metavar="[NS/REPO]...")
@text_option("--region", "With repositories: their source region.")
@click.option(
    "--report", is_flag=True, help="Only report differences; exit code 1 if there are any."
)
@click.option("--max-calls", type=click.IntRange(1), help="Default: settings.reconcile.max_calls.")
@json_option("Print the differences as JSON, one per line.")
def run(
    repositories: Sequence[str], *, report: bool, as_json: bool, **options: str | int | None
) -> None:
    """Create a reconcile and follow it."""
    client = connect()
    body = {"repositories": list(repositories) or None, "report": report, **options}
    repair = client.post(RECONCILES.path, body)
    follower = Follower(client, RECONCILES, repair)
    follower.wait_until_compared()
    print_notice(follower.describe_plan())
    if not report:
        follower.wait_until_ended()
    print_tags(client, RECONCILES, str(repair["id"]), as_json=as_json, report_none=False)
    follower.exit_on_problem()
