"""The command `replay`."""

from collections.abc import Sequence

from swrhook.cli.bulk import BulkAction
from swrhook.cli.client import Item
from swrhook.cli.deliveries import DELIVERIES
from swrhook.cli.options import bulk_options, choice_option, command, text_option
from swrhook.model import Outcome

# A duplicate is not replayed: its original is.
OUTCOMES = [outcome for outcome in Outcome if outcome is not Outcome.DUPLICATE]


def _is_replayable(delivery: Item) -> bool:
    """Leave out deliveries without content, and replays, whose original is selected itself."""
    is_empty = delivery["outcome"] == Outcome.IGNORED and not delivery["pushes"]
    return delivery["replayed_from"] is None and not is_empty


REPLAY = BulkAction(
    DELIVERIES,
    "replay",
    "Replaying",
    filter="outcome",
    time="received_at",
    group=lambda delivery: f"{delivery['outcome']} from {delivery['sender']}",
    applies_to=_is_replayable,
)


@command(
    "python -m swrhook replay 01KB3Y6Q3Z6B1D8F2G4H5J7K9M",
    "python -m swrhook replay --outcome quarantined --sender harbor-prod --since 24h",
)
@choice_option("--outcome", OUTCOMES, "Instead of ids: all with this outcome:")
@text_option("--sender", "With --outcome: only from this sender.")
@bulk_options("outcome", "24h, 7d")
def replay(ids: Sequence[str], *, yes: bool, as_json: bool, **filters: str | None) -> None:
    """Process deliveries again with the current configuration; prints the new ones.

    Select deliveries by id, or all with an outcome. The second way counts them, asks for
    confirmation, and starts with the oldest. Exit code 1 if one could not be replayed.
    """
    REPLAY.run(ids, filters, yes=yes, as_json=as_json)
