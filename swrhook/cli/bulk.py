"""Apply an action to many objects, selected by their ids or by filters."""

import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass

import click

from swrhook.cli.client import Client, Declined, Item, Query, connect
from swrhook.cli.tables import Resource, print_items
from swrhook.cli.terminal import count_of, print_notice, progress_bar


@dataclass(frozen=True, slots=True)
class BulkAction:
    """An action of the API on single objects, such as "retry" of a sync.

    `filter` is the option that selects objects instead of ids; other filters only narrow it.
    `time` is the member with an object's time, `group` says how the objects are counted for the
    confirmation, `applies_to` leaves out objects that the filters cannot.
    """

    resource: Resource
    name: str
    progress: str
    filter: str
    time: str
    group: Callable[[Item], str]
    applies_to: Callable[[Item], bool] = lambda _item: True

    def run(self, ids: Sequence[str], query: Query, *, yes: bool, as_json: bool) -> None:
        """Change the selected objects and print them; exit code 1 if one could not be changed.

        Raises UsageError unless there are either ids or filters.
        """
        filters = {name for name, value in query.items() if value}
        if bool(ids) == bool(filters) or (filters and self.filter not in filters):
            raise click.UsageError(
                f"give either ids or --{self.filter}; the other filters need --{self.filter}"
            )
        client = connect()
        declined: list[str] = []
        selected = ids or self._select(client, query, yes=yes)
        changed = self._apply(client, selected, declined)
        # If all are declined, each has a message, and the selection did match.
        print_items(self.resource, changed, as_json=as_json, report_none=not selected)
        if declined:
            sys.exit(1)

    def _select(self, client: Client, query: Query, *, yes: bool) -> Sequence[str]:
        """Return the ids of the objects that match, oldest first, after a confirmation."""
        pages = self.resource.pages(client, query)
        items = [item for page in pages for item in page if self.applies_to(item)]
        if not items:
            return ()
        counts = sorted(Counter(map(self.group, items)).items())
        groups = ", ".join(f"{count} {group}" for group, count in counts)
        total = count_of(len(items), self.resource.singular, self.resource.plural)
        # The API lists the newest first.
        oldest, newest = (str(item[self.time]) for item in (items[-1], items[0]))
        plan = f"{total} ({oldest} to {newest}): {groups}."
        confirm(plan, f"{self.name.capitalize()} them?", yes=yes)
        return [str(item["id"]) for item in reversed(items)]

    def _apply(self, client: Client, ids: Sequence[str], declined: list[str]) -> Iterator[Item]:
        """Yield each changed object; report one that cannot be changed, and continue."""
        with progress_bar(self.progress, len(ids), disable=len(ids) < 2) as progress:  # noqa: PLR2004
            for id_ in ids:
                try:
                    yield client.post(f"{self.resource.item_path(id_)}/{self.name}")
                except Declined as exc:
                    declined.append(id_)
                    progress.print(f"{id_}: {exc.message}")
                progress.advance()


def confirm(plan: str, question: str, *, yes: bool) -> None:
    """Print a plan and, without `yes`, ask for confirmation. Raises Abort if it is refused."""
    print_notice(plan)
    if not yes:
        click.confirm(question, abort=True, err=True)
