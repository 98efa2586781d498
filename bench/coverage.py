"""Plays the story of a whole registry: 2,000 repositories with 100,000 tags, 300 never announced.

`python -m bench.coverage` needs some minutes. It compares every number with the simulator's truth,
and prints the requests, the time and the memory of one round.
"""

import argparse
import resource
import sys
import tempfile
import time
from pathlib import Path

from swrhook import logs
from swrhook.ledger.database import open_database
from tests.coverage_story import EAST, Scene, story, tell


def main() -> None:
    """Measure one round, then play the story."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--repositories", type=int, default=2000)
    parser.add_argument("--tags", type=int, default=50, help="of each repository")
    parser.add_argument("--round-only", action="store_true", help="without repairs, new region")
    options = parser.parse_args()
    logs.configure("json", "CRITICAL")
    scene = Scene(options.repositories, options.repositories * 3 // 20, options.tags)
    with tempfile.TemporaryDirectory() as folder:
        database = open_database(f"sqlite:///{Path(folder) / 'ledger.db'}")
        with story(database, scene) as made:
            before = resource.getrusage(resource.RUSAGE_SELF)
            began = time.monotonic()
            made.reconcile()
            after = resource.getrusage(resource.RUSAGE_SELF)
            lists = made.list_calls()
            sys.stdout.write(
                f"{scene.repositories} repositories, {scene.repositories * scene.tags} tags:"
                f" {lists} lists for {made.pages} pages of tags ({lists / made.pages:.3f}),"
                f" {time.monotonic() - began:.0f} s,"
                f" {after.ru_utime - before.ru_utime:.0f} s of CPU with the simulator,"
                f" {(after.ru_maxrss - before.ru_maxrss) / 1024:.0f} MiB more memory;"
                f" coverage {made.truth(EAST)}\n"
            )
            if not options.round_only:
                made.repairs.sync()
                tell(made)
                sys.stdout.write("every number equals the simulator's truth\n")
        database.close()


if __name__ == "__main__":
    main()
