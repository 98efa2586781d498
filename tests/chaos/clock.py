"""A wall clock of a process's own, to be set forward and back; the machine's is left alone."""

import subprocess
from collections.abc import Mapping
from pathlib import Path

_SOURCE = Path(__file__).with_name("clock.c")


class Clock:
    """What the processes of a folder take for the time. Making it takes a C compiler."""

    def __init__(self, folder: Path) -> None:
        self._library = folder / "clock.so"
        self._ahead = folder / "clock"

    def make(self) -> None:
        command = ("cc", "-O2", "-shared", "-fPIC", "-o", str(self._library), str(_SOURCE))
        subprocess.run(command, check=True)
        self._ahead.write_text("0")

    @property
    def environ(self) -> Mapping[str, str]:
        """What a process is started with to go by this clock."""
        return {"LD_PRELOAD": str(self._library), "CHAOS_CLOCK": str(self._ahead)}

    def jump(self, seconds: int) -> None:
        """Set it forward by so much or, if that is negative, back."""
        ahead = int(self._ahead.read_text()) + seconds
        fresh = self._ahead.with_suffix(".new")
        fresh.write_text(str(ahead))
        fresh.replace(self._ahead)  # whoever reads it meanwhile finds the old one, whole
