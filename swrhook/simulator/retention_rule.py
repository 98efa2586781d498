"""A rule of retention of the simulator."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class RetentionRule:
    """Deletes all tags of a repository but the `keep` last updated, or those older than `max_age`.

    `max_age` is in seconds. Without `repository`, the rule is for all of the organization's.
    """

    region: str
    namespace: str
    repository: str | None = None
    keep: int | None = None
    max_age: float | None = None
