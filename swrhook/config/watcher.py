"""The configuration file over time: what was read of it, and whether it is another one by now.

Files are looked at again and again. The kernel's notices would be quicker, but not every mount
has them, and a ConfigMap's file never changes: a link above it does.
"""

import errno
import os
import stat
from collections.abc import Mapping
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from swrhook.auth import KeyProvider
from swrhook.config.loader import load
from swrhook.config.model import Config
from swrhook.config.yaml_errors import LARGEST

# Where a path leads, which file that is, and when it was written last; or why nobody can tell.
Stamp = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class _Look:
    """What one look found, by path: stamps, and digests of the content."""

    stamps: Mapping[str, Stamp]
    contents: Mapping[str, str]
    is_still: bool  # the look before found the same content


class WatchedFile:
    """A configuration file and every file that it names with `${file:}`. For one thread."""

    def __init__(self, path: Path, environ: Mapping[str, str], outside: KeyProvider) -> None:
        """Take where it is; nothing is read yet."""
        self._path = path
        self._environ = environ
        self._outside = outside
        self._read: dict[str, str] = {}
        self._looked: _Look | None = None

    def read(self) -> Config:
        """Read it now. Raises BadConfiguration with every mistake in it."""
        self._read = {}
        self._looked = None
        return load(self._path, self._environ, self._outside, self._read_and_note)

    def has_changed(self) -> bool:
        """Tell whether the content is another than was read, and the same as at the last look.

        Two looks, for a file that is being written, or gone for a moment, is not to be judged.
        While nobody touches the files, their content is not read.
        """
        before = self._looked
        stamps = {path: _stamp(path) for path in self._read}
        if before is not None and before.is_still and before.stamps == stamps:
            return False
        contents = {path: _content(path) for path in self._read}
        is_still = before is not None and before.contents == contents
        self._looked = _Look(stamps, contents, is_still)
        return is_still and contents != self._read

    def _read_and_note(self, path: str, most: int) -> bytes:
        try:
            content = _read_regular(path, most)
        except (OSError, ValueError) as exc:
            self._read[path] = _unread(exc)
            raise
        self._read[path] = _digest(content)
        return content


def _read_regular(path: str, most: int) -> bytes:
    """Return at most so many bytes of a file, at once: a pipe would make the reader wait.

    Raises OSError; ValueError for a path that no file can have.
    """
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        return file.read(most)


def _content(path: str) -> str:
    try:
        return _digest(_read_regular(path, LARGEST + 1))
    except (OSError, ValueError) as exc:
        return _unread(exc)


def _digest(content: bytes) -> str:
    return sha256(content).hexdigest()


def _unread(exc: OSError | ValueError) -> str:
    return f"{type(exc).__name__} {exc.errno if isinstance(exc, OSError) else ''}"


def _stamp(path: str) -> Stamp:
    try:
        found = Path(path).stat()
        where = os.path.realpath(path)
    except (OSError, ValueError) as exc:
        return (_unread(exc),)
    return where, found.st_dev, found.st_ino, found.st_size, found.st_mtime_ns, found.st_ctime_ns
