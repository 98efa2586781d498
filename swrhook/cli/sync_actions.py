"""The commands `retry` and `cancel`."""

from collections.abc import Sequence

from swrhook.cli.bulk import BulkAction
from swrhook.cli.client import Item, QueryValue
from swrhook.cli.options import command, sync_selection
from swrhook.cli.syncs import SYNCS, target_name
from swrhook.model import END_STATES, State


def _state_and_target(sync: Item) -> str:
    return f"{sync['state']} to {target_name(sync)}"


RETRY = BulkAction(SYNCS, "retry", "Retrying", "state", "created_at", _state_and_target)
CANCEL = BulkAction(SYNCS, "cancel", "Cancelling", "state", "created_at", _state_and_target)


@command(
    "python -m swrhook retry 01KB3Y6Q3Z0X4W1V7S5R2N8M9P",
    "python -m swrhook retry --state rejected --region cn-east-3 --namespace team-a",
    "python -m swrhook retry --state exhausted --state missing --since 24h --yes",
)
@sync_selection(END_STATES - {State.VERIFIED})
def retry(ids: Sequence[str], *, yes: bool, as_json: bool, **filters: QueryValue) -> None:
    """Restart ended syncs under the current rules; prints them.

    Select syncs by id, or all in a state. The second way counts them, asks for confirmation, and
    starts with the oldest. Exit code 1 if one could not be retried.
    """
    RETRY.run(ids, filters, yes=yes, as_json=as_json)


@command(
    "python -m swrhook cancel 01KB3Y6Q3Z0X4W1V7S5R2N8M9P",
    "python -m swrhook cancel --state pending --image team-a/web/shop --since 1h",
)
@sync_selection(set(State) - {State.VERIFIED, State.CANCELLED})
def cancel(ids: Sequence[str], *, yes: bool, as_json: bool, **filters: QueryValue) -> None:
    """Cancel syncs that are not verified; prints them.

    Select syncs by id, or all in a state. The second way counts them, asks for confirmation, and
    starts with the oldest. The result of a call in flight is still recorded. Exit code 1 if one
    could not be cancelled.
    """
    CANCEL.run(ids, filters, yes=yes, as_json=as_json)
