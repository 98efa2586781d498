"""The command `order`: syncs of a tag by hand."""

from collections.abc import Sequence

import click

from swrhook.cli.client import Client, Item, connect
from swrhook.cli.options import command, json_option, text_option, timeout_option
from swrhook.cli.senders import SENDERS
from swrhook.cli.syncs import SYNCS
from swrhook.cli.tables import print_items
from swrhook.cli.wait import wait_for


@command(
    "python -m swrhook order team-a/web/shop:1.4.2",
    "python -m swrhook order team-a/web/shop:1.4.2 --wait",
    "python -m swrhook order team-a/web/shop:1.4.2 --to cn-east-3/team-a --override",
)
@click.argument("image", metavar="IMAGE")
@text_option(
    "--to",
    "A target instead of those of the rules. Repeatable.",
    metavar="REGION/ORG",
    name="targets",
    multiple=True,
)
@click.option("--override", is_flag=True, help="With --to: replace another digest there.")
@text_option(
    "--from",
    "The source region; default: the one of all senders.",
    metavar="REGION",
    name="source_region",
)
@click.option("--wait", is_flag=True, help="Wait until all are verified, like the command wait.")
@timeout_option("With --wait: the longest time.")
@json_option("Print the syncs as JSON, one per line.")
def order(  # noqa: PLR0913  # an option each
    image: str,
    *,
    targets: Sequence[str],
    override: bool,
    source_region: str | None,
    wait: bool,
    timeout: int,
    as_json: bool,
) -> None:
    """Sync IMAGE now, though no delivery announced it; prints the syncs.

    IMAGE is the source's namespace/repository:tag. Without --to the rules decide where it goes, as
    for a push. Open syncs of the same tag to the same target are superseded. With --wait, exit code
    1 unless all are verified.
    """
    if override and not targets:
        raise click.UsageError("--override needs --to: without targets, the rules decide")
    chosen = [_parse_target(target, override=override) for target in targets]
    client = connect()
    body = {
        "image": image,
        "source_region": source_region or _only_region(client),
        "targets": chosen or None,
    }
    syncs = client.post(SYNCS.path, body)["syncs"]
    if wait:
        since = min(sync["created_at"] for sync in syncs)
        wait_for(client, image, {"since": since}, timeout=timeout, as_json=as_json)
    else:
        print_items(SYNCS, syncs, as_json=as_json)


def _parse_target(text: str, *, override: bool) -> Item:
    region, _, namespace = text.partition("/")
    if not (region and namespace):
        raise click.BadParameter(f"{text!r} is not REGION/ORG", param_hint="--to")
    return {"region": region, "namespace": namespace, "override": override}


def _only_region(client: Client) -> str:
    """Return the region of all senders. Raises UsageError if they have several, or none."""
    regions = sorted({sender["region"] for sender in SENDERS.page(client, {})["items"]})
    if len(regions) != 1:
        names = ", ".join(regions) or "there is none"
        raise click.UsageError(f"--from is needed: the regions of the senders are {names}")
    return str(regions[0])
