"""What a database asks before it makes anybody wait."""

from typing import Protocol


class Watch(Protocol):
    """Knows whether the database can be used, and never waits to find out."""

    def check(self) -> str | None:
        """Return why the ledger cannot be used, or None."""
        ...

    def silence(self) -> str | None:
        """Return that the database does not answer at all, or None."""
        ...
