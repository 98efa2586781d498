"""Deliver to people, by any service of Apprise.

Apprise bounds neither how long a service may take as a whole nor how much it may answer. Each
delivery is therefore a process of its own, with limits for both; only there is Apprise imported.
"""

import logging
import re
import resource
from collections.abc import Iterable
from datetime import datetime
from subprocess import CalledProcessError
from urllib.parse import unquote

from swrhook.channels.ports import NotDelivered
from swrhook.config.model import AppriseChannel
from swrhook.notifications.model import Notification
from swrhook.notifications.text import body_of, title_of
from swrhook.separate_process import TookTooLong, run_separately
from swrhook.wording.catalogues import translations

# Seconds of computing for a delivery, which may last four times as long.
TIMEOUT = 5.0
# Bytes of a delivery's process: some seven times what Apprise itself needs.
MOST_MEMORY = 256 * 1024 * 1024
_LONGEST_REASON = 200
_SHORTEST_SECRET = 5
_SEPARATOR = re.compile(r"[/?&=:@,;#]+")


class ApprisePost:
    """Notifies the service that the channel's URL names."""

    def __init__(self, channel: AppriseChannel) -> None:
        self._url = channel.url
        self._language = channel.language

    def deliver(self, message: Notification, url: str | None, _now: datetime) -> None:
        """Notify the service. Raises NotDelivered, with what Apprise says, without secrets."""
        language = translations(self._language)
        title, body = title_of(message, language), body_of(message, url, language)
        try:
            reasons = run_separately(TIMEOUT, notify, self._url, title, body)
        except TookTooLong:
            raise NotDelivered("no answer in time") from None
        except (MemoryError, CalledProcessError):
            raise NotDelivered("the answer is too large, or Apprise cannot process it") from None
        if reasons is not None:
            raise NotDelivered(_first_line(reasons, _secrets_in(self._url)))


def notify(url: str, title: str, body: str) -> list[str] | None:
    """Notify the service of a URL; return None or, if it did not accept, what Apprise logged.

    Limits the memory of the process. Raises NotDelivered and MemoryError.
    """
    _, most = resource.getrlimit(resource.RLIMIT_DATA)
    resource.setrlimit(resource.RLIMIT_DATA, (MOST_MEMORY, most))
    import apprise  # noqa: PLC0415  # large: see above

    # To the service of the URL alone: it must not lead the message to another host.
    asset = apprise.AppriseAsset(http_redirects=False)
    service = apprise.Apprise.instantiate(url, asset=asset, suppress_exceptions=True)
    if service is None:
        raise NotDelivered("Apprise cannot use the channel's URL: see its page on the service")
    logged = _Lines()
    apprise.logger.addHandler(logged)
    # The lines go nowhere else: they hold secrets.
    apprise.logger.propagate = False
    is_accepted = service.notify(body=body, title=title, body_format=apprise.NotifyFormat.TEXT)
    return None if is_accepted else logged.lines


class _Lines(logging.Handler):
    """Collects the lines of warnings."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.lines: list[str] = []

    def emit(self, record: logging.LogRecord) -> None:
        self.lines += record.getMessage().splitlines()


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
