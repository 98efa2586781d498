"""The command `available`."""

import sys
from collections.abc import Sequence

import click

from swrhook.cli.client import Item, UnexpectedAnswer, connect
from swrhook.cli.options import command, json_option, text_option
from swrhook.cli.tables import Column, Resource, age_column, print_items

YES, NO, NOT_KNOWN = 0, 1, 2


class NotKnown(click.ClickException):
    """The server could not be asked, or does not know."""

    exit_code = NOT_KNOWN


def _target(item: Item) -> str:
    return f"{item['region']}/{item['namespace']}"


_TARGETS = Resource(
    "/api/v1/availability",
    "target",
    "targets",
    (
        Column("state", styled=True),
        Column("image"),
        Column("target", _target),
        age_column("observed_at", "observed"),
        Column("digest", lambda item: item["digest"] or "", spare=1),
        Column("why", lambda item: item["reason"] or ""),
    ),
)


@command(
    "python -m swrhook available team-a/web/shop:1.4.2 --region cn-east-3",
    "python -m swrhook available team-a/web/shop:1.4.2 team-a/api:2.0 --max-age 5s",
    'python -m swrhook available "team-a/web/shop@$DIGEST" --json | jq -r .state',
)
@click.argument("images", metavar="IMAGE...", nargs=-1, required=True)
@text_option("--region", "Only the target in this region; default: every target.")
@text_option("--namespace", "Only the target in this organization.")
@text_option(
    "--max-age", "How long ago the image may have been observed.", default="30s", show_default=True
)
@json_option("Print the targets as JSON, one per line.")
def available(images: Sequence[str], *, as_json: bool, **query: str | None) -> None:
    """Tell whether each IMAGE is at its targets now, asking SWR where that is not known.

    IMAGE is the source's namespace/repository with :tag, @digest or both. A tag is compared with
    what the source holds now, unless a digest is given. Exit code 0 if every image is at every
    target; 1 if one is not; 2 if that is not known, or for wrong usage.
    """
    try:
        answer = connect().post(_TARGETS.path, {"images": [*images], **query})
        states = {item["state"] for item in answer["items"]}
    except click.UsageError:
        raise
    except (LookupError, TypeError) as exc:
        raise NotKnown(UnexpectedAnswer(exc).message) from exc
    except click.ClickException as exc:
        raise NotKnown(exc.format_message()) from exc
    print_items(_TARGETS, answer["items"], as_json=as_json)
    sys.exit(_exit_code(states))


def _exit_code(states: set[str]) -> int:
    if states - {"available", "unknown"}:
        return NO
    return NOT_KNOWN if "unknown" in states else YES
