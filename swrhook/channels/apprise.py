"""Deliver to people, by any service of Apprise.

Apprise is large, so it is imported with the first message and not when the service starts.
"""

import logging
import re
import threading
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import datetime
from typing import Any
from urllib.parse import unquote

from swrhook.channels.ports import NotDelivered
from swrhook.config.model import AppriseChannel
from swrhook.notifications.model import Notification
from swrhook.notifications.text import body_of, title_of
from swrhook.wording.catalogues import translations

_LONGEST_REASON = 200
_SHORTEST_SECRET = 5
_SEPARATOR = re.compile(r"[/?&=:@,;#]+")


class ApprisePost:
    """Notifies the service that the channel's URL names."""

    def __init__(self, channel: AppriseChannel) -> None:
        self._url = channel.url
        self._language = channel.language
        self._service: Any = None

    def deliver(self, message: Notification, url: str | None, _now: datetime) -> None:
        """Notify the service. Raises NotDelivered, with what Apprise says, without secrets."""
        with _warnings() as reasons:
            is_delivered = self._notify(message, url)
        if not is_delivered:
            raise NotDelivered(_first_line(reasons, _secrets_in(self._url)))

    def _notify(self, message: Notification, url: str | None) -> bool:
        import apprise  # noqa: PLC0415  # large: see above

        if self._service is None:
            # To the service of the URL alone: it must not lead the message to another host.
            asset = apprise.AppriseAsset(http_redirects=False)
            self._service = apprise.Apprise.instantiate(
                self._url, asset=asset, suppress_exceptions=True
            )
        if self._service is None:
            raise NotDelivered("Apprise cannot use the channel's URL: see its page on the service")
        language = translations(self._language)
        return bool(
            self._service.notify(
                body=body_of(message, url, language),
                title=title_of(message, language),
                body_format=apprise.NotifyFormat.TEXT,
            )
        )


class _Lines(logging.Handler):
    """Collects what one thread logs: another one may notify another channel meanwhile."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []
        self._thread = threading.get_ident()

    def emit(self, record: logging.LogRecord) -> None:
        if record.thread == self._thread:
            self.lines += record.getMessage().splitlines()


@contextmanager
def _warnings() -> Iterator[list[str]]:
    """Yield the lines that Apprise logs in the block. They go nowhere else: they hold secrets."""
    logger, handler = logging.getLogger("apprise"), _Lines()
    logger.propagate = False
    logger.addHandler(handler)
    try:
        yield handler.lines
    finally:
        logger.removeHandler(handler)


def _first_line(lines: Iterable[str], secrets: Iterable[str]) -> str:
    """Return the first line that Apprise logged, without the parts of the channel's URL."""
    line = next(iter(lines), "the service did not accept it")
    for secret in secrets:
        line = line.replace(secret, "[hidden]")
    return line[:_LONGEST_REASON]


def _secrets_in(url: str) -> list[str]:
    """Return the parts of a URL that may be secrets, the longest first: all but the short ones."""
    rest = url.partition("://")[2]
    parts = {part for text in (rest, unquote(rest)) for part in _SEPARATOR.split(text)}
    return sorted((part for part in parts if len(part) >= _SHORTEST_SECRET), key=len, reverse=True)
