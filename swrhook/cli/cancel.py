"""The command `cancel`."""

from collections.abc import Sequence
from typing import Any

import click

from swrhook.cli.examples import examples
from swrhook.cli.wishes import carry_out, wish_options
from swrhook.model import State


@click.command(
    epilog=examples(
        "python -m swrhook cancel 01KB3Y6Q3Z0X4W1V7S5R2N8M9P",
        "python -m swrhook cancel --state due --image team-a/web/shop --since 1h",
    )
)
@wish_options(sorted(state.value for state in set(State) - {State.VERIFIED, State.CANCELLED}))
@click.pass_context
def cancel(
    context: click.Context,
    /,
    ids: Sequence[str],
    **options: Any,  # noqa: ANN401  # click's values
) -> None:
    """End syncs that are not verified; prints them.

    Either by their ids, or all in a state: those are counted first, and cancelled, the oldest
    first, when you agree. A call in flight is still recorded. Ends with 1 when one could not be
    cancelled.
    """
    carry_out(context, ids, "cancel", "Cancelling", **options)
