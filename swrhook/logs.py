"""Structured logging: each event is one line on stdout, as JSON or as text for a terminal.

Events are named `<noun>.<what happened>`; their fields never hold a secret, a body or a header.
"""

import json
import logging
import re
import sys
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from functools import cache
from threading import Lock
from typing import Any

import structlog
from structlog.typing import EventDict, Processor

_LEVELS = logging.getLevelNamesMapping()
_ENCODE = json.JSONEncoder(ensure_ascii=False, default=repr).encode
# What JSON does not escape by itself but terminals and log viewers obey: control characters, line
# separators, changes of the writing direction. UTF-8 cannot encode a lone surrogate.
_UNSAFE = re.compile("[\x7f-\x9f\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
# Line breaks are only in tracebacks, and elsewhere in quotes: the renderer escapes them.
_UNSAFE_IN_TEXT = re.compile(rf"[\x00-\x08\x0b-\x1f]|{_UNSAFE.pattern}")
# The thread that holds the lock writes the queued lines of all threads. The others only append to
# the queue: a deque is thread-safe, so that no thread ever waits for a slow stdout.
_QUEUE: deque[str] = deque()
_LOCK = Lock()


class _StdoutLogger:
    """The logger behind structlog's: queues finished lines for stdout."""

    def __init__(self, *_names: str) -> None:
        pass

    def msg(self, line: str) -> None:
        _QUEUE.append(line)
        _write_queue()

    debug = info = warning = error = critical = msg


def _write_queue() -> None:
    """Write the queued lines, unless another thread is doing so."""
    # The loop also catches lines that were queued between the last write and the release.
    while _QUEUE and _LOCK.acquire(blocking=False):
        try:
            text = "".join(f"{_QUEUE.popleft()}\n" for _ in range(len(_QUEUE)))
            # A line that cannot be written is lost: a full disk must not cost a delivery.
            with suppress(OSError, ValueError):
                sys.stdout.write(text)
                sys.stdout.flush()
        finally:
            _LOCK.release()


@contextmanager
def buffer_lines() -> Iterator[None]:
    """Write the lines of the block in one go at its end: each write releases the GIL."""
    is_writer = _LOCK.acquire(blocking=False)  # if not, another thread is about to write them
    try:
        yield
    finally:
        if is_writer:
            _LOCK.release()
        _write_queue()


def configure(log_format: str, level: str) -> None:
    """Set up logging for this process: the format `json` or `console`, and the lowest level."""
    renderer: Processor = (
        structlog.processors.JSONRenderer(lambda event, **_options: _to_json(event))
        if log_format == "json"
        else structlog.dev.ConsoleRenderer(colors=sys.stdout.isatty())
    )
    # Before the renderer adds its colours.
    escape: list[Processor] = [] if log_format == "json" else [_escape_values]
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
            structlog.processors.format_exc_info,
            *escape,
            renderer,
        ],
        wrapper_class=structlog.make_filtering_bound_logger(_LEVELS[level]),
        logger_factory=_StdoutLogger,
        # `_logger` caches the logger instead.
        cache_logger_on_first_use=False,
    )
    _logger.cache_clear()


def _to_json(event: object) -> str:
    return _UNSAFE.sub(_escape, _ENCODE(event))


def _escape_values(_logger: object, _name: str, event: EventDict) -> EventDict:
    return {
        name: _UNSAFE_IN_TEXT.sub(_escape, value) if isinstance(value, str) else value
        for name, value in event.items()
    }


def _escape(character: re.Match[str]) -> str:
    return f"\\u{ord(character[0]):04x}"


def event(name: str, **fields: Any) -> None:  # noqa: ANN401  # any JSON value
    """Log an event."""
    _logger().info(name, **fields)


def warning(name: str, **fields: Any) -> None:  # noqa: ANN401
    """Log an event that an operator should look at."""
    _logger().warning(name, **fields)


def failure(name: str, exc: BaseException, **fields: Any) -> None:  # noqa: ANN401
    """Log an unexpected error with its traceback: a defect of swrhook, or a failing disk."""
    _logger().error(name, exc_info=exc, **fields)


@cache
def _logger() -> Any:  # noqa: ANN401  # of the class that `configure` made
    """Return the bound logger. Binding it for each line would take longer than the line."""
    return structlog.get_logger().bind()
