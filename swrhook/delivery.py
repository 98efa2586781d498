"""One request as it came in: all that authentication and dialects may see of it."""

from collections.abc import Mapping
from dataclasses import dataclass, field


@dataclass(frozen=True, slots=True)
class Delivery:
    """Headers with lower-case names, and the body's raw bytes (decompressed, within the cap).

    `path_secret` is what stood behind the source's name in the URL; it is never stored.
    """

    headers: Mapping[str, str] = field(repr=False)
    body: bytes = field(repr=False)
    path_secret: str | None = field(default=None, repr=False)

    def header(self, name: str) -> str:
        """Return a header by its lower-case name, or "" when it was not sent."""
        return self.headers.get(name, "")
