"""The command `coverage`."""

import sys

import click

from swrhook.cli.client import Item, connect
from swrhook.cli.options import LARGEST_PAGE, examples, json_option, text_option
from swrhook.cli.tables import Column, Resource, age_column, format_age, print_items
from swrhook.cli.terminal import print_notice


def _age_of(time: str | None) -> str:
    return format_age(time) if time else ""


_GAPS = ("missing", "changed", "unknown")
SUM_COLUMNS = (
    Column("rule"),
    Column("region"),
    Column("wanted"),
    Column("present"),
    Column("on the way", lambda item: str(item["on_the_way"]), spare=3, nothing="0"),
    *(Column(name, nothing="0") for name in _GAPS),
    Column("oldest look", lambda item: format_age(item["oldest_observation"]), spare=1),
    Column("oldest gap", lambda item: _age_of(item["oldest_gap"]), spare=2),
)
_GAP_COLUMNS = (
    Column("image"),
    Column("target", lambda gap: f"{gap['region']}/{gap['target_namespace']}"),
    Column("is", lambda gap: f"{gap['kind']}{', on the way' if gap['on_the_way'] else ''}"),
    age_column("since"),
    Column("why", lambda gap: gap["reason"] or ""),
)
_PATH = "/api/v1/coverage"


@click.command(
    epilog=examples(
        "python -m swrhook coverage",
        "python -m swrhook coverage --region ap-southeast-1 --gaps",
        "python -m swrhook coverage --rule web-releases --json",
    )
)
@text_option("--rule", "Only what this rule wants.")
@text_option("--region", "Only what is wanted in this region.")
@click.option("--gaps", "names", is_flag=True, help="Name what is not there.")
@json_option("Print one JSON object per line.")
def coverage(*, names: bool, as_json: bool, **query: str | None) -> None:
    """Show how many of the tags that the rules select are at their targets.

    The numbers are as of the last comparison of each repository: `reconcile` compares again. Exit
    code 1 means that something is missing, differs or is not known, or that no rule matches.
    """
    client = connect()
    limits = {"gaps": LARGEST_PAGE if names else 0, "limit": 100}
    page = client.show(_PATH, {**query, **limits})
    items: list[Item] = page["items"]
    while page["next"] is not None:
        page = client.show(_PATH, {**query, **limits, "cursor": page["next"]})
        items += page["items"]
    if names and items:
        gaps = [{**gap, "region": item["region"]} for item in items for gap in item["gaps"]]
        print_items(Resource(_PATH, "gap", "gaps", _GAP_COLUMNS), gaps, as_json=as_json)
    else:
        print_items(Resource(_PATH, "rule", "rules", SUM_COLUMNS), items, as_json=as_json)
    if items and not _is_compared(items, page["discovery"]):
        print_notice("No repository has been compared yet: run reconcile")
    _print_discovery(page["discovery"])
    is_misspelt = any(query.values()) and not items
    has_gaps = any(item[name] for item in items for name in _GAPS)
    if is_misspelt or has_gaps or page["discovery"]["problems"]:
        sys.exit(1)


def _is_compared(items: list[Item], discovery: Item) -> bool:
    return bool(discovery["repositories"]) or any(item["oldest_observation"] for item in items)


def _print_discovery(discovery: Item) -> None:
    for problem in discovery["problems"]:
        place = "/".join(filter(None, (problem["region"], problem["namespace"])))
        print_notice(f"{place}: {problem['problem']}")
    if discovery["waiting"]:
        print_notice(f"{discovery['waiting']} repositories were never compared: run reconcile")
