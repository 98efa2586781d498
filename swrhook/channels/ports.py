"""What delivers a message, and how it fails."""

from datetime import datetime
from typing import Protocol

from swrhook.notifications.model import Notification


class NotDelivered(Exception):
    """The channel did not accept the message; `retry_after` are seconds that it asks to wait."""

    def __init__(self, message: str, retry_after: float | None = None) -> None:
        super().__init__(message)
        self.retry_after = retry_after


class Post(Protocol):
    """Delivers messages to one channel."""

    def deliver(self, message: Notification, url: str | None, now: datetime) -> None:
        """Deliver a message, with links to the dashboard at `url`. Raises NotDelivered."""
        ...
