"""The command `retry`."""

from collections.abc import Sequence
from typing import Any

import click

from swrhook.cli.examples import examples
from swrhook.cli.wishes import carry_out, wish_options
from swrhook.model import END_STATES, State


@click.command(
    epilog=examples(
        "python -m swrhook retry 01KB3Y6Q3Z0X4W1V7S5R2N8M9P",
        "python -m swrhook retry --state rejected --region cn-east-3 --namespace team-a",
        "python -m swrhook retry --state exhausted --state missing --since 24h --yes",
    )
)
@wish_options(sorted(state.value for state in END_STATES - {State.VERIFIED}))
@click.pass_context
def retry(
    context: click.Context,
    /,
    ids: Sequence[str],
    **options: Any,  # noqa: ANN401  # click's values
) -> None:
    """Begin ended syncs from new, as the rules are now; prints them.

    Either by their ids, or all in a state: those are counted first, and retried, the oldest first,
    when you agree. Ends with 1 when one could not be retried.
    """
    carry_out(context, ids, "retry", "Retrying", **options)
