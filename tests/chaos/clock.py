"""A wall clock for single processes that can be set; the machine's own is not changed."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

_SOURCE = Path(__file__).with_name("clock.c")


class Clock:
    """The clock of the processes of a folder; `build` needs a C compiler."""

    def __init__(self, folder: Path) -> None:
        self._library = folder / "clock.so"
        self._offset = folder / "clock"

    def build(self) -> None:
        command = ("cc", "-O2", "-shared", "-fPIC", "-o", str(self._library), str(_SOURCE))
        subprocess.run(command, check=True)
        self._offset.write_text("0")

    @property
    def environ(self) -> Mapping[str, str]:
        """Return the environment of a process that uses this clock."""
        return {"LD_PRELOAD": str(self._library), "CHAOS_CLOCK": str(self._offset)}

    def jump(self, seconds: int) -> None:
        """Set the clock forward by so many seconds or, if negative, back."""
        offset = int(self._offset.read_text()) + seconds
        fresh = self._offset.with_suffix(".new")
        fresh.write_text(str(offset))
        fresh.replace(self._offset)  # atomic: a reader sees the old offset or the new one
