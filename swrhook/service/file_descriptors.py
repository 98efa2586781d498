"""How many files and connections this process may have open at a time."""

import errno
import resource

# What a process may need beside its clients' connections: its ledger, connections to SWR, files.
RESERVED = 256
MAX_CONNECTIONS = 1000
_WANTED = 4096
# What the system answers when a process, or all of them, have too many open.
EXHAUSTED = frozenset({errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM})


def raise_limit() -> int:
    """Raise the limit of open files as far as needed and allowed; return it."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if soft == resource.RLIM_INFINITY:
        return _WANTED
    if soft < _WANTED:
        soft = _WANTED if hard == resource.RLIM_INFINITY else min(_WANTED, hard)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    return soft


def connections_within(limit: int) -> int:
    """Return how many connections leave RESERVED of the open files for the rest."""
    return min(MAX_CONNECTIONS, max(limit - RESERVED, limit // 2))
