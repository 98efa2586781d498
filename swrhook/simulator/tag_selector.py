"""Selection of tags by their names, for the control API."""

from dataclasses import dataclass

from swrhook.simulator.model import Tag


@dataclass(frozen=True, slots=True)
class TagSelector:
    """Selects tags; None in a field means all."""

    region: str | None = None
    namespace: str | None = None
    repository: str | None = None
    tag: str | None = None
    digest: str | None = None

    def selects(self, region: str, tag: Tag) -> bool:
        """Tell whether a tag of a region is selected."""
        actual = (region, tag.namespace, tag.repository, tag.name, tag.digest)
        expected = (self.region, self.namespace, self.repository, self.tag, self.digest)
        return all(one in (None, other) for one, other in zip(expected, actual, strict=True))
