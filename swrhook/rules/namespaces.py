"""A selection of organizations, by patterns for their names."""

from dataclasses import dataclass

from swrhook.rules.glob import Glob


@dataclass(frozen=True, slots=True)
class Namespaces:
    """The organizations whose name any of the patterns matches."""

    patterns: tuple[Glob, ...]

    def __contains__(self, namespace: object) -> bool:
        """Tell whether an organization is one of them."""
        return any(pattern.matches(str(namespace)) for pattern in self.patterns)
