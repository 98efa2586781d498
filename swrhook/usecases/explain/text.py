"""Format times, lists and sentences for an explanation."""

from collections.abc import Sequence
from datetime import UTC, datetime

from swrhook.wording.message import say

_MAX_LISTED = 5


def format_time(time: datetime) -> str:
    """Return a time in UTC as RFC 3339, to the second."""
    return time.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%SZ")


def shorten(texts: Sequence[str]) -> Sequence[str]:
    """Return the first texts and, in place of the others, their number."""
    more = len(texts) - _MAX_LISTED
    return texts if more <= 0 else [*texts[:_MAX_LISTED], say("%(count)s more", count=more)]
