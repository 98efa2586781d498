"""What `retry` and `cancel` have in common: which syncs are meant, and what becomes of them."""

from collections import Counter
from collections.abc import Callable, Sequence
from typing import Any, TypeVar

import click

from swrhook.cli.bulk import Change, agree
from swrhook.cli.client import Client, Query, connect
from swrhook.cli.syncs import SYNCS
from swrhook.cli.tables import LARGEST_PAGE, print_items
from swrhook.cli.terminal import examples
from swrhook.model import END_STATES, State

Options = TypeVar("Options", bound=Callable[..., object])


def wish_options(states: Sequence[str]) -> Callable[[Options], Options]:
    """Add ids, and the options that select syncs in one of these states instead."""

    def decorate(command: Options) -> Options:
        for option in reversed(
            (
                click.argument("ids", nargs=-1, metavar="[ID]..."),
                click.option(
                    "--state",
                    type=click.Choice(states),
                    multiple=True,
                    metavar="STATE",
                    help="In place of ids: all in this state. Repeatable. "
                    f"{', '.join(sorted(states))}.",
                ),
                click.option("--region", help="With --state: towards this region."),
                click.option("--namespace", help="With --state: towards this organization."),
                click.option(
                    "--image", metavar="NS/REPO[:TAG]", help="With --state: of this image."
                ),
                click.option(
                    "--since", metavar="TIME", help="With --state: not older than a time, or 24h."
                ),
                click.option("--yes", is_flag=True, help="Do not ask."),
                click.option(
                    "--json", "as_json", is_flag=True, help="Print JSON, one object a line."
                ),
            )
        ):
            command = option(command)
        return command

    return decorate


def carry_out(
    context: click.Context,
    ids: Sequence[str],
    action: str,
    doing: str,
    *,
    yes: bool,
    as_json: bool,
    **query: Any,  # noqa: ANN401  # click's values
) -> None:
    """Change the syncs meant and print them; ends with 1 when one could not be changed."""
    filters = {name for name, value in query.items() if value}
    if bool(ids) == bool(filters) or (filters and "state" not in filters):
        raise click.UsageError("give either ids, or --state with or without the other filters")
    client = connect()
    if not ids:
        ids = _select(client, query, f"{action.capitalize()} them?", yes=yes)
    change = Change(SYNCS, action, doing)
    print_items(SYNCS, change.apply(client, ids), as_json=as_json)
    if change.declined:
        context.exit(1)


def _select(client: Client, query: Query, question: str, *, yes: bool) -> Sequence[str]:
    """Return the ids of what is selected, the oldest first, if the person agrees."""
    pages = client.pages(SYNCS.path, {**query, "limit": LARGEST_PAGE})
    found = [item for page in pages for item in page.items]
    if not found:
        return ()
    counts = Counter(
        f"{item['state']} to {item['target_region']}/{item['target_namespace']}" for item in found
    )
    listed = ", ".join(f"{count} {what}" for what, count in sorted(counts.items()))
    oldest, newest = (str(item["created_at"]) for item in (found[-1], found[0]))
    agree(f"{len(found)} syncs: {listed}; from {oldest} to {newest}.", question, yes=yes)
    return [str(item["id"]) for item in reversed(found)]


@click.command(
    epilog=examples(
        "python -m swrhook cancel 01KB3Y6Q3Z0X4W1V7S5R2N8M9P",
        "python -m swrhook cancel --state pending --image team-a/web/shop --since 1h",
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
