"""Runs a function in a process of its own, with a time limit.

In a thread, a computation would hold Python's interpreter lock, and requests would wait; and what
waits for others could not be ended. The process is a new one and no fork, because a fork copies
locks that other threads hold. It has a lower priority.
"""

import math
import os
import pickle
import resource
import signal
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
Result = TypeVar("Result")

_ROOT = Path(__file__).parents[1]
_NICENESS = 10
# On a busy machine a process of low priority waits for longer than it computes.
_PATIENCE = 4


class TookTooLong(Exception):
    """The function exceeded its time limit and was stopped."""


def run_separately(
    seconds: float, function: Callable[P, Result], *args: P.args, **kwargs: P.kwargs
) -> Result:
    """Return the function's result, or raise its exception.

    Raises TookTooLong after so many seconds of computing, or four times as many in all. The
    function must be one of a module. Arguments, result and exception are pickled.
    """
    command = [sys.executable, "-m", "swrhook.separate_process", str(math.ceil(seconds))]
    try:
        done = subprocess.run(  # noqa: S603  # our own module
            command,
            input=pickle.dumps((function, args, kwargs)),
            stdout=subprocess.PIPE,
            cwd=_ROOT,
            timeout=_PATIENCE * seconds,
            check=True,
        )
    except subprocess.TimeoutExpired:
        raise TookTooLong from None
    except subprocess.CalledProcessError as exc:
        if exc.returncode not in {-signal.SIGXCPU, -signal.SIGALRM}:
            raise
        raise TookTooLong from None
    is_result, value = pickle.loads(done.stdout)  # noqa: S301  # from our own process
    if not is_result:
        raise value
    result: Result = value
    return result


def _main(seconds: int) -> None:
    os.nice(_NICENESS)
    signal.alarm(_PATIENCE * seconds)  # ends it even if the caller is killed
    answers = os.fdopen(os.dup(sys.stdout.fileno()), "wb")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())  # what the function prints is no answer
    _, most = resource.getrlimit(resource.RLIMIT_CPU)
    resource.setrlimit(resource.RLIMIT_CPU, (seconds, most))
    function, args, kwargs = pickle.load(sys.stdin.buffer)  # noqa: S301  # from our own process
    try:
        answer = (True, function(*args, **kwargs))
    except Exception as exc:  # noqa: BLE001  # raised again by the caller
        answer = (False, exc)
    with answers:
        pickle.dump(answer, answers)


if __name__ == "__main__":
    _main(int(sys.argv[1]))
