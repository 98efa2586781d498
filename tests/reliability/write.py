"""Runs the fault matrix and writes its tables into docs/reliability.md: `make tables`."""

from pathlib import Path
from tempfile import TemporaryDirectory

from rich.progress import track

from swrhook import logs
from tests.reliability.faults import PLACES
from tests.reliability.page import PAGE, run, section, with_section
from tests.reliability.rig import rig


def main() -> None:
    """Run every case and write the tables."""
    logs.configure("json", "CRITICAL")
    with TemporaryDirectory() as folder, rig(Path(folder)) as running:
        for name, place in PLACES.items():
            rows = track(run(running, place), place.title, len(place.cases))
            PAGE.write_text(with_section(PAGE.read_text(), name, section(place, list(rows))))


if __name__ == "__main__":
    main()
