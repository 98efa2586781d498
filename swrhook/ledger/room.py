"""Whether the disk has room for what is to come: refused early, nothing is left half done."""

import os
import threading
import time
from pathlib import Path

# Kept free for what is acknowledged already: calls are settled, and old rows deleted, with it.
FLOOR = 64 * 1024 * 1024
_BETWEEN_LOOKS = 1.0


class Room:
    """Looks at a folder's disk, once a second at most; whoever finds it full looks again later."""

    def __init__(self, folder: Path, floor: int = FLOOR) -> None:
        """Take the folder, and how many bytes must be free there."""
        self._folder = folder
        self._floor = floor
        self._lock = threading.Lock()
        self._looked = -_BETWEEN_LOOKS
        self._lack: str | None = None

    def lack(self) -> str | None:
        """Return why there is no room, or None."""
        with self._lock:
            if time.monotonic() - self._looked >= _BETWEEN_LOOKS:
                self._looked = time.monotonic()
                self._lack = self._look()
            return self._lack

    def _look(self) -> str | None:
        try:
            disk = os.statvfs(self._folder)
        except OSError as exc:
            return f"the ledger's folder cannot be looked at: {exc}"
        free = disk.f_bavail * disk.f_frsize
        if free >= self._floor:
            return None
        return (
            f"the disk of {self._folder} has {free >> 20} MiB free, and deliveries need "
            f"{self._floor >> 20} MiB: make room"
        )
