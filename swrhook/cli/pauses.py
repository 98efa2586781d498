"""The commands `pause` and `resume`."""

from collections.abc import Mapping

import click

from swrhook.cli.client import Item, QueryValue, connect
from swrhook.cli.options import combine, command, json_option, text_option
from swrhook.cli.syncs import short_time
from swrhook.cli.tables import Column, Resource, age_column, print_items
from swrhook.syncs.pauses import PauseKind

_API = "/api/v1"


def _until(item: Item) -> str:
    return "resumed" if item["until"] is None else short_time(item["until"])


PAUSES = Resource(
    f"{_API}/pauses",
    "pause",
    "pauses",
    (
        Column("kind"),
        Column("name"),
        age_column("since"),
        Column("until", _until),
        Column("by"),
        Column("why", lambda item: item["reason"] or ""),
    ),
)
_names = combine(
    text_option("--region", "Syncs from and to this region."),
    text_option("--rule", "Syncs of this rule."),
    text_option("--sender", "Syncs of this sender's deliveries."),
)


@command(
    "python -m swrhook pause --region cn-east-3 --until 2h --reason 'maintenance'",
    "python -m swrhook pause --rule web-releases",
    "python -m swrhook pause",
)
@_names
@text_option("--until", "End it then: a time (RFC 3339) or a duration (30m, 24h).", metavar="TIME")
@text_option("--reason", "Why; shown wherever the pause is.")
@json_option()
def pause(*, as_json: bool, **body: QueryValue) -> None:
    """Hold back the syncs of a region, a rule or a sender, or list the pauses.

    Deliveries are still accepted and recorded. Without options, only lists.
    """
    if any(body.values()):
        _require_one(body)
    client = connect()
    if any(body.values()):
        pauses = [client.post(f"{_API}/pause", dict(body))]
    else:
        pauses = list(client.page(PAUSES.path, {})["items"])
    print_items(PAUSES, pauses, as_json=as_json)


@command(
    "python -m swrhook resume --region cn-east-3",
    "python -m swrhook resume --rule web-releases",
)
@_names
@json_option()
def resume(*, as_json: bool, **body: QueryValue) -> None:
    """End a pause; the syncs that it held back continue in order.

    Exit code 1 if there is none.
    """
    _require_one(body)
    ended = connect().post(f"{_API}/resume", dict(body))
    print_items(PAUSES, [ended], as_json=as_json)


def _require_one(body: Mapping[str, QueryValue]) -> None:
    """Raise UsageError unless exactly one thing is named."""
    if sum(body[kind] is not None for kind in PauseKind) != 1:
        raise click.UsageError("give one of --region, --rule and --sender")
