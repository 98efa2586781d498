"""Log lines: one event each, JSON on stdout, or aligned text for a person's terminal.

Events are named `<noun>.<what happened>`; their fields never hold a secret, a body or a header.
"""

import json
import logging
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from threading import Lock
from typing import Any

import structlog

_LEVELS = logging.getLevelNamesMapping()
_LOCK = Lock()
_LINES: deque[str] = deque()  # that wait for the thread which writes
_TO_JSON = json.JSONEncoder(ensure_ascii=False, default=repr).encode


class _Lines:
    """Writes lines to stdout. One that cannot be written is lost: it must not cost a delivery.

    Who finds another thread writing leaves its line to that one: no thread waits for a line.
    """

    def __init__(self, *_names: str) -> None:
        pass

    def msg(self, line: str) -> None:
        _LINES.append(line)
        _write_lines()

    debug = info = warning = error = critical = msg


def _write_lines() -> None:
    while _LINES and _LOCK.acquire(blocking=False):
        try:
            _write("".join(f"{_LINES.popleft()}\n" for _ in range(len(_LINES))))
        finally:
            _LOCK.release()


def _write(text: str) -> None:
    with suppress(OSError, ValueError):
        sys.stdout.write(text)
        sys.stdout.flush()


@contextmanager
def together() -> Iterator[None]:
    """Write the lines of the block at its end, in one go: each write lets all threads run."""
    is_first = _LOCK.acquire(blocking=False)  # if not, another thread's lines are about to end
    try:
        yield
    finally:
        if is_first:
            _LOCK.release()
        _write_lines()


def configure(log_format: str, level: str) -> None:
    """Set up logging for this process: `json` or `console`, from this level on."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(lambda event, **_options: _TO_JSON(event))
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
    )
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.processors.format_exc_info,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=_Lines,
        cache_logger_on_first_use=False,
    )
    _logger.cache_clear()


def event(name: str, **fields: Any) -> None:  # noqa: ANN401  # any JSON value
    """Write that something happened."""
    _logger().info(name, **fields)


def warning(name: str, **fields: Any) -> None:  # noqa: ANN401
    """Write that something needs an operator's look."""
    _logger().warning(name, **fields)


def failure(name: str, exc: BaseException, **fields: Any) -> None:  # noqa: ANN401
    """Write an error of ours with its traceback: a defect, or a disk that fails."""
    _logger().error(name, exc_info=exc, **fields)


@cache
def _logger() -> Any:  # noqa: ANN401  # structlog's, of the class that `configure` has made
    """Return the logger; finding it anew for each line takes longer than the line."""
    return structlog.get_logger().bind()
