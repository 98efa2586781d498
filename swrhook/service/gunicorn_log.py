"""gunicorn's own log lines, in the format of all others."""

import logging
from typing import Any

from gunicorn.glogging import Logger

from swrhook import logs

# gunicorn ends after this message.
_CANNOT_LISTEN = "Can't connect to"
_ADVICE = ": stop what listens there, or set SWRHOOK_BIND to another address"
# What gunicorn says of a worker that cannot start: with its exit code, or at the level of errors.
# The worker has said why, in a message of its own.
_EXITED, _CANNOT_BOOT = "Worker (pid:%s) exited with code %s.", 3
_ENDS_BY_ERROR = ("Shutting down: %s", "Reason: %s")


class EventHandler(logging.Handler):
    """Writes a log record of gunicorn as an event, whose `message` is gunicorn's text."""

    def emit(self, record: logging.LogRecord) -> None:
        """Write one record, unless it repeats that the service cannot start."""
        if _repeats_failed_start(record):
            return
        exc = record.exc_info[1] if record.exc_info else None
        message = record.getMessage()
        if message.startswith(_CANNOT_LISTEN):
            message += _ADVICE
        if exc is not None:
            logs.failure("gunicorn.failed", exc, message=message)
        elif record.levelno >= logging.WARNING:
            logs.warning("gunicorn.warned", message=message)
        else:
            logs.event("gunicorn.reported", message=message)


def _repeats_failed_start(record: logging.LogRecord) -> bool:
    if record.msg == _EXITED:
        return isinstance(record.args, tuple) and record.args[1] == _CANNOT_BOOT
    return record.levelno >= logging.ERROR and record.msg in _ENDS_BY_ERROR


class EventLogger(Logger):  # type: ignore[misc]  # gunicorn has no types
    """The logger that gunicorn's setting `logger_class` names."""

    def setup(self, cfg: Any) -> None:  # noqa: ANN401  # gunicorn's own types
        """Replace gunicorn's handler for errors and messages."""
        super().setup(cfg)
        self.error_log.handlers = [EventHandler()]
