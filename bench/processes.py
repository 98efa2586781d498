"""What the processes of a benchmark take: CPU time and memory, with all their children."""

import os
from collections.abc import Iterator
from pathlib import Path

_TICKS = os.sysconf("SC_CLK_TCK")
_MIB = 1024 * 1024


def cpu_seconds(*pids: int) -> float:
    """Return the CPU time so far of these processes and their children, ended ones included."""
    return sum(_cpu_ticks(pid) for root in pids for pid in _family(root)) / _TICKS


def memory(*pids: int) -> float:
    """Return the memory of the largest of these processes and their children, in MiB."""
    return max(_resident_pages(pid) for root in pids for pid in _family(root)) * (
        os.sysconf("SC_PAGE_SIZE") / _MIB
    )


def _family(pid: int) -> Iterator[int]:
    yield pid
    for task in Path(f"/proc/{pid}/task").iterdir():
        for child in (task / "children").read_text().split():
            yield from _family(int(child))


def _cpu_ticks(pid: int) -> int:
    """Return the CPU time of a process and of its ended children."""
    # The name of the program, in parentheses, may contain spaces.
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return sum(map(int, fields[11:15]))


def _resident_pages(pid: int) -> int:
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1])
