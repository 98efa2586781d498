"""The scope of a repair of whole organizations. No I/O."""

from collections.abc import Sequence
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Scope:
    """What a repair of whole organizations is about; None means all of a kind.

    `namespaces` are globs for organizations of the source, `region` is the source region. Only
    what one of the `rules` copies to the `target_region` counts.
    """

    namespaces: Sequence[str] | None = None
    region: str | None = None
    target_region: str | None = None
    rules: Sequence[str] | None = None

    def selects(self, rule: str, target_region: str) -> bool:
        """Tell whether what a rule copies to a region is in scope."""
        is_there = self.target_region in (None, target_region)
        return is_there and (self.rules is None or rule in self.rules)

    @property
    def is_partial(self) -> bool:
        """Tell whether some syncs from a repository in scope may be out of scope."""
        return self.target_region is not None or self.rules is not None


EVERYTHING = Scope()
