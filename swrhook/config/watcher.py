"""Watch the configuration file, and the files it refers to, for changes.

The files are polled. The kernel's notifications would be quicker, but some file systems have none,
and the file of a Kubernetes ConfigMap never changes itself: a symbolic link above it does.
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
from swrhook.config.yaml_errors import MAX_FILE_SIZE

# A path without its links, and the identity, size and times of the file; or why it has none.
Stamp = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class _Poll:
    """The state of the files at one poll, by path: stamps, and digests of the content."""

    stamps: Mapping[str, Stamp]
    digests: Mapping[str, str]
    is_stable: bool  # the poll before saw the same content


class WatchedFile:
    """A configuration file and every file that it refers to with `${file:}`. Not thread-safe."""

    def __init__(
        self,
        path: Path,
        environ: Mapping[str, str],
        key_provider: KeyProvider,
        *,
        with_credentials: bool = True,
    ) -> None:
        """Set the path, and whether credentials for SWR are read. Nothing is read yet."""
        self._path = path
        self.environ = environ
        self.key_provider = key_provider
        self.with_credentials = with_credentials
        self._digests: dict[str, str] = {}
        self._last_poll: _Poll | None = None

    def read(self) -> Config:
        """Read the file. Raises BadConfiguration with every mistake in it."""
        self._digests = {}
        self._last_poll = None
        return load(
            self._path,
            self.environ,
            self.key_provider,
            self._read_and_record,
            with_credentials=self.with_credentials,
        )

    def has_changed(self) -> bool:
        """Return whether the content differs from what was read, at this poll and the one before.

        It must be the same at two polls, since a file that is just being written or replaced is
        incomplete or missing for a moment. Unchanged stamps save reading the content.
        """
        last = self._last_poll
        stamps = {path: _stamp(path) for path in self._digests}
        if last is not None and last.is_stable and last.stamps == stamps:
            return False
        digests = {path: _digest_of_file(path) for path in self._digests}
        is_stable = last is not None and last.digests == digests
        self._last_poll = _Poll(stamps, digests, is_stable)
        return is_stable and digests != self._digests

    def _read_and_record(self, path: str, limit: int) -> bytes:
        try:
            content = _read_regular_file(path)
        except (OSError, ValueError) as exc:
            self._digests[path] = _failure(exc)
            raise
        self._digests[path] = sha256(content).hexdigest()
        return content[:limit]


def _read_regular_file(path: str) -> bytes:
    """Return what is in a regular file, at most one byte more than a configuration may have.

    A pipe is refused: it could block for ever. Raises OSError, or ValueError for an impossible
    path.
    """
    with os.fdopen(os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC), "rb") as file:
        if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
            raise OSError(errno.EINVAL, "it is not a regular file")
        return file.read(MAX_FILE_SIZE + 1)


def _digest_of_file(path: str) -> str:
    try:
        return sha256(_read_regular_file(path)).hexdigest()
    except (OSError, ValueError) as exc:
        return _failure(exc)


def _failure(exc: OSError | ValueError) -> str:
    return f"{type(exc).__name__} {exc.errno if isinstance(exc, OSError) else ''}"


def _stamp(path: str) -> Stamp:
    try:
        status = Path(path).stat()
        target = os.path.realpath(path)
    except (OSError, ValueError) as exc:
        return (_failure(exc),)
    times = (status.st_mtime_ns, status.st_ctime_ns)
    return target, status.st_dev, status.st_ino, status.st_size, *times
