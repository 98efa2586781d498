"""Log lines: one event each, JSON on stdout, or aligned text for a person's terminal.

Events are named `<noun>.<what happened>`; their fields never hold a secret, a body or a header.
"""

import logging
import sys
from contextlib import suppress
from threading import Lock
from typing import Any

import structlog

_LEVELS = logging.getLevelNamesMapping()
_LOCK = Lock()


class _Lines:
    """Writes lines to stdout. One that cannot be written is lost: it must not cost a delivery."""

    def __init__(self, *_names: str) -> None:
        pass

    def msg(self, line: str) -> None:
        with _LOCK, suppress(OSError, ValueError):
            sys.stdout.write(f"{line}\n")
            sys.stdout.flush()

    debug = info = warning = error = critical = msg


def configure(log_format: str, level: str) -> None:
    """Set up logging for this process: `json` or `console`, from this level on."""
    renderer: structlog.typing.Processor = (
        structlog.processors.JSONRenderer(ensure_ascii=False)
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


def event(name: str, **fields: Any) -> None:  # noqa: ANN401  # any JSON value
    """Write that something happened."""
    structlog.get_logger().info(name, **fields)


def warning(name: str, **fields: Any) -> None:  # noqa: ANN401
    """Write that something needs an operator's look."""
    structlog.get_logger().warning(name, **fields)


def failure(name: str, exc: BaseException, **fields: Any) -> None:  # noqa: ANN401
    """Write an error of ours with its traceback: a defect, or a disk that fails."""
    structlog.get_logger().error(name, exc_info=exc, **fields)
