"""The command `audit`: lists the audit log."""

from datetime import timedelta

from swrhook.cli.client import QueryValue
from swrhook.cli.lists import print_list
from swrhook.cli.options import command, list_options, text_option
from swrhook.cli.tables import Column, Resource, age_column

AUDIT = Resource(
    "/api/v1/audit",
    "write",
    "writes",
    (
        age_column("at"),
        Column("token"),
        Column("role"),
        Column("status"),
        Column("action"),
        Column("object", lambda write: write["object"] or ""),
    ),
)


@command(
    "python -m swrhook audit --since 24h",
    "python -m swrhook audit --object 01KB3Y6Q3Z0X4W1V7S5R2N8M9P",
    "python -m swrhook audit --token ops --all --json | jq -r .action",
)
@text_option("--token", "Only writes with the token of this name.", metavar="NAME")
@text_option("--action", 'Only this method and route, like "POST /api/v1/syncs".')
@text_option("--object", "Only of this object: an id, or the image of an order.")
@list_options
def audit(*, everything: bool, watch: timedelta | None, as_json: bool, **query: QueryValue) -> None:
    """List who changed what over the API and the dashboard, newest first.

    Needs a token of the role admin.
    """
    print_list(AUDIT, query, everything=everything, watch=watch, as_json=as_json)
