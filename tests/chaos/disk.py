"""A small disk that can be filled and made read-only; mounting it needs root."""

import subprocess
from contextlib import suppress
from pathlib import Path

from tests.cluster.conftest import until

_SIZE = "96m"  # the service needs 64 MiB free
_BLOCK = b"\0" * 65536


class Disk:
    """A file system in memory, at a path."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._ballast = path / "ballast"

    def mount(self) -> None:
        self._path.mkdir(parents=True)
        _run("mount", "-t", "tmpfs", "-o", f"size={_SIZE}", "tmpfs", str(self._path))

    def unmount(self) -> None:
        """Unmount the disk as soon as no process uses it."""
        _retry("umount", str(self._path))

    def remount(self, mode: str) -> None:
        """Remount the disk as `ro` or `rw`, as soon as no file is open for writing."""
        _retry("mount", "-o", f"remount,{mode}", str(self._path))

    def fill(self) -> None:
        """Fill the disk completely."""
        with suppress(OSError), self._ballast.open("wb", buffering=0) as ballast:
            while True:
                ballast.write(_BLOCK)

    def clear(self) -> None:
        self._ballast.unlink()


def _retry(*command: str) -> None:
    until(lambda: subprocess.run(command, check=False, capture_output=True).returncode == 0)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
