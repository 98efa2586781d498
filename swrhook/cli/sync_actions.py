"""The commands `retry` and `cancel`."""

from collections.abc import Callable, Collection, Sequence
from typing import TypeVar

import click

from swrhook.cli.bulk import BulkAction
from swrhook.cli.client import Item, QueryValue
from swrhook.cli.options import combine, examples, json_option, since_option, yes_option
from swrhook.cli.syncs import SYNCS, target_name
from swrhook.model import END_STATES, State

_Function = TypeVar("_Function", bound=Callable[..., object])


def _selection_options(states: Collection[State]) -> Callable[[_Function], _Function]:
    """Return the ids, and the options that select syncs in one of these states instead."""
    names = sorted(state.value for state in states)
    return combine(
        click.argument("ids", nargs=-1, metavar="[ID]..."),
        click.option(
            "--state",
            type=click.Choice(names),
            multiple=True,
            metavar="STATE",
            help=f"Instead of ids: all syncs in this state. Repeatable. {', '.join(names)}.",
        ),
        click.option("--region", help="With --state: only to this region."),
        click.option("--namespace", help="With --state: only to this organization."),
        click.option("--image", metavar="NS/REPO[:TAG]", help="With --state: only of this image."),
        since_option("With --state: not", "24h"),
        yes_option,
        json_option(),
    )


def _state_and_target(sync: Item) -> str:
    return f"{sync['state']} to {target_name(sync)}"


RETRY = BulkAction(SYNCS, "retry", "Retrying", "state", "created_at", _state_and_target)
CANCEL = BulkAction(SYNCS, "cancel", "Cancelling", "state", "created_at", _state_and_target)


@click.command(
    epilog=examples(
        "python -m swrhook retry 01KB3Y6Q3Z0X4W1V7S5R2N8M9P",
        "python -m swrhook retry --state rejected --region cn-east-3 --namespace team-a",
        "python -m swrhook retry --state exhausted --state missing --since 24h --yes",
    )
)
@_selection_options(END_STATES - {State.VERIFIED})
def retry(ids: Sequence[str], *, yes: bool, as_json: bool, **filters: QueryValue) -> None:
    """Restart ended syncs under the current rules; prints them.

    Select syncs by id, or all in a state. The second way counts them, asks for confirmation, and
    starts with the oldest. Exit code 1 if one could not be retried.
    """
    RETRY.run(ids, filters, yes=yes, as_json=as_json)


@click.command(
    epilog=examples(
        "python -m swrhook cancel 01KB3Y6Q3Z0X4W1V7S5R2N8M9P",
        "python -m swrhook cancel --state pending --image team-a/web/shop --since 1h",
    )
)
@_selection_options(set(State) - {State.VERIFIED, State.CANCELLED})
def cancel(ids: Sequence[str], *, yes: bool, as_json: bool, **filters: QueryValue) -> None:
    """Cancel syncs that are not verified; prints them.

    Select syncs by id, or all in a state. The second way counts them, asks for confirmation, and
    starts with the oldest. The result of a call in flight is still recorded. Exit code 1 if one
    could not be cancelled.
    """
    CANCEL.run(ids, filters, yes=yes, as_json=as_json)
