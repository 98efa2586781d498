"""Python's interpreter, which one thread at a time uses: share it during long computations."""

import gc
import sys
import threading
from collections.abc import Iterator
from contextlib import contextmanager

# Seconds that a computing thread keeps the interpreter while another one waits for it.
_SWITCH_INTERVAL = 0.0001


class SharedInterpreter:
    """Lets other threads run often while one thread computes for long.

    By default a thread waits 5 ms whenever it needs the interpreter that another one uses, which a
    request does dozens of times. And the garbage collector goes through all objects at once, which
    takes some 0.3 s when a large document has been read.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._count = 0
        self._usual_interval = sys.getswitchinterval()

    @contextmanager
    def computing(self) -> Iterator[None]:
        """Run a block that computes for long. Garbage is collected after it."""
        with self._lock:
            self._count += 1
            if self._count == 1:
                self._usual_interval = sys.getswitchinterval()
                sys.setswitchinterval(_SWITCH_INTERVAL)
                gc.disable()
        try:
            yield
        finally:
            with self._lock:
                self._count -= 1
                if self._count == 0:
                    sys.setswitchinterval(self._usual_interval)
                    gc.enable()


interpreter = SharedInterpreter()
