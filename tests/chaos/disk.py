"""A small disk, to be filled and turned read-only. Mounting it takes root."""

import subprocess
from contextlib import suppress
from pathlib import Path

from tests.cluster.conftest import until

_SIZE = "96m"  # the service wants 64 of them free
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
        """Take it away, once nobody uses it any more."""
        _until_possible("umount", str(self._path))

    def remount(self, mode: str) -> None:
        """Let it be `ro` or `rw`, once nothing is open for writing any more."""
        _until_possible("mount", "-o", f"remount,{mode}", str(self._path))

    def fill(self) -> None:
        """Leave no room for anything."""
        with suppress(OSError), self._ballast.open("wb", buffering=0) as ballast:
            while True:
                ballast.write(_BLOCK)

    def clear(self) -> None:
        self._ballast.unlink()


def _until_possible(*command: str) -> None:
    until(lambda: subprocess.run(command, check=False, capture_output=True).returncode == 0)


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
