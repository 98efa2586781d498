"""The command `explain`."""

import json

import click

from swrhook.cli.client import connect
from swrhook.cli.examples import examples
from swrhook.cli.explained import trees
from swrhook.cli.screen import printable, screen


@click.command(
    epilog=examples(
        "python -m swrhook explain team-a/web/shop:1.4.2",
        "python -m swrhook explain mirror/web/shop:1.4.2 --source harbor-prod",
        "python -m swrhook explain team-a/web/shop:1.4.2 --json | jq -r .summary",
    )
)
@click.argument("image", metavar="IMAGE:TAG")
@click.option("--source", help="As this sender announces it, and under its name for it.")
@click.option("--json", "as_json", is_flag=True, help="Print the whole explanation as JSON.")
def explain(image: str, source: str | None, *, as_json: bool) -> None:
    """Say why IMAGE:TAG was, or was not, replicated.

    The first line is the answer. Below it stand what every rule says now of a push of it, clause by
    clause, the deliveries that announced it, and its syncs with their calls. Without --source, each
    source that could announce it is told.
    """
    explained = connect().show("/api/v1/explain", {"image": image, "source": source})
    if as_json:
        click.echo(json.dumps(explained))
        return
    console = screen()
    try:
        console.print(printable(explained["summary"], console.encoding), markup=False)
        for tree in trees(explained, console.encoding):
            console.print()
            console.print(tree)
    except (LookupError, TypeError) as exc:
        raise click.ClickException(f"the answer is not as expected: {exc!r}; try --json") from exc
