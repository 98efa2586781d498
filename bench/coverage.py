"""Measures a round over 2,000 repositories with 100,000 tags, and plays the story of a registry.

The story has 10,000 tags, and 300 repositories that were never announced: a round, the repairs,
deletions and moves behind swrhook's back, and a new region. Each number of it is compared with the
simulator's truth. Both need some minutes; a run without options writes docs/performance.md.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from bench.figures import Figure, announce, show, write
from swrhook import logs
from swrhook.ledger.database import open_database
from tests.coverage_story import Scene, Story, story, tell

REPOSITORIES, MANY_TAGS, FEW_TAGS = 2000, 50, 5


def measure_round(scene: Scene) -> Sequence[Figure]:
    """Compare everything twice: the second round shows what stays in memory."""
    with _story(scene) as made:
        first, second = _Round(made), _Round(made)
    pages = made.pages
    return [
        Figure(
            f"lists of a round over {_size(scene)}",
            f"{first.lists:,} lists in {first.seconds:.0f} s;"
            f" CPU with the simulator: {first.cpu:.0f} s",
            f"{pages:,} pages of tags at source and target",
            first.lists / pages,
            at_least=1.2,
            moonshot=1.1,
            less_is_better=True,
        ),
        Figure(
            "memory that a round adds, with the simulator in the same process",
            f"the second round: {second.memory:.1f} MiB",
            f"the first, with its caches: {first.memory:.1f} MiB",
            second.memory,
            at_least=50,
            moonshot=10,
            unit="MiB",
            less_is_better=True,
        ),
    ]


def measure_story(scene: Scene) -> Sequence[Figure]:
    """Play the story; it fails at the first number that is not the simulator's."""
    with _story(scene) as made:
        began = time.monotonic()
        made.reconcile()
        made.repair()
        tell(made)
        seconds = time.monotonic() - began
    return [
        Figure(
            f"the story of {_size(scene)}: three rounds, repairs, a new region",
            f"{seconds:.0f} s without the pace; every number was the simulator's",
            f"{scene.repositories * scene.tags:,} syncs to the new region",
            seconds,
            unit="s",
            less_is_better=True,
        )
    ]


class _Round:
    """One round: how many lists it took, for how long, and how much more memory."""

    def __init__(self, made: Story) -> None:
        before, began = resource.getrusage(resource.RUSAGE_SELF), time.monotonic()
        made.reconcile()
        after = resource.getrusage(resource.RUSAGE_SELF)
        self.lists, self.seconds = made.list_calls(), time.monotonic() - began
        self.cpu = after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
        self.memory = (after.ru_maxrss - before.ru_maxrss) / 1024


@contextmanager
def _story(scene: Scene) -> Iterator[Story]:
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(f"sqlite:///{Path(folder) / 'ledger.db'}")
        with story(database, scene) as made:
            yield made
        database.close()


def _size(scene: Scene) -> str:
    return f"{scene.repositories:,} repositories with {scene.repositories * scene.tags:,} tags"


def main() -> None:
    """Measure, print the figures, and write those of the usual size into the page."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repositories", type=int, default=REPOSITORIES)
    parser.add_argument("--round-tags", type=int, default=MANY_TAGS, help="of each repository")
    parser.add_argument("--story-tags", type=int, default=FEW_TAGS, help="of each repository")
    options = parser.parse_args()
    logs.configure("json", "CRITICAL")
    figures: list[Figure] = []
    for name, measure, tags in (
        ("round", measure_round, options.round_tags),
        ("story", measure_story, options.story_tags),
    ):
        announce(name)
        figures += measure(Scene(options.repositories, options.repositories * 3 // 20, tags))
    show(figures, (), "The coverage of a whole registry")
    if vars(options) == vars(parser.parse_args([])):
        write(figures, [], (), "coverage")


if __name__ == "__main__":
    main()
