"""Print a list of the API: one page, all pages, or a page that is kept up to date."""

from datetime import timedelta

import click

from swrhook.cli.client import Query, connect
from swrhook.cli.tables import Resource, print_items
from swrhook.cli.terminal import print_notice
from swrhook.cli.watch import Watch


def print_list(
    resource: Resource,
    query: Query,
    *,
    everything: bool = False,
    watch: timedelta | None,
    as_json: bool,
) -> None:
    """Print one page of a resource, all pages, or one page every `watch` until Ctrl-C."""
    if everything and watch:
        raise click.UsageError("--watch shows one page: leave out --all")
    client = connect()
    if watch:
        Watch(resource, lambda: resource.page(client, query)["items"], watch).run(as_json=as_json)
    elif everything:
        items = (item for page in resource.pages(client, query) for item in page)
        print_items(resource, items, as_json=as_json)
    else:
        page = resource.page(client, query)
        print_items(resource, page["items"], as_json=as_json)
        if page["next"] is not None:
            print_notice(f"There are more: use --cursor {page['next']}, or --all.")
