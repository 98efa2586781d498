"""SWR's own rules of automatic synchronization, and where they overlap with swrhook's. No I/O.

SWR copies what is pushed to a repository to one target for each of its rules. Its documentation
calls them automatic image synchronization tasks.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from swrhook.model import PlannedSync, Target
from swrhook.wording.message import say


@dataclass(frozen=True, slots=True)
class AutoSync:
    """One of SWR's rules for a repository: where SWR copies each push by itself."""

    target: Target
    override: bool


class OverlapKind(StrEnum):
    """How one of SWR's rules overlaps with those of swrhook."""

    DUPLICATE = "duplicate"  # the same target and override: both copy
    OVERRIDE = "override"  # the same target, but only one of them replaces a tag
    ORGANIZATION = "organization"  # the same target region, but another organization


@dataclass(frozen=True, slots=True)
class Overlap:
    """One of SWR's rules, and the rule of swrhook that it duplicates or contradicts."""

    auto_sync: AutoSync
    kind: OverlapKind
    rule: str

    @property
    def is_contradiction(self) -> bool:
        """Tell whether the two rules want different things."""
        return self.kind is not OverlapKind.DUPLICATE

    def __str__(self) -> str:
        """Say what both rules do."""
        return str(self.description)

    @property
    def description(self) -> str:
        """Return what both rules do."""
        sentence = _SENTENCES[self.kind, self.auto_sync.override]
        return sentence.using(target=str(self.auto_sync.target), rule=self.rule)


_DUPLICATES = say("SWR itself synchronizes it to %(target)s, and so does the rule %(rule)s")
_OTHER_ORGANIZATION = say(
    "SWR itself synchronizes it to %(target)s, but the rule %(rule)s to another organization of the"
    " region"
)
# By the kind, and whether SWR's rule overrides.
_SENTENCES = {
    (OverlapKind.DUPLICATE, False): _DUPLICATES,
    (OverlapKind.DUPLICATE, True): _DUPLICATES,
    (OverlapKind.OVERRIDE, True): say(
        "SWR itself synchronizes it to %(target)s, overriding, but the rule %(rule)s does not"
        " override"
    ),
    (OverlapKind.OVERRIDE, False): say(
        "SWR itself synchronizes it to %(target)s, without overriding, but the rule %(rule)s"
        " overrides"
    ),
    (OverlapKind.ORGANIZATION, False): _OTHER_ORGANIZATION,
    (OverlapKind.ORGANIZATION, True): _OTHER_ORGANIZATION,
}
REMEDY = say("delete SWR's rule in its console, or change the rule in swrhook.yaml")


def find_overlaps(auto_syncs: Sequence[AutoSync], planned: Iterable[PlannedSync]) -> list[Overlap]:
    """Return which of SWR's rules for a repository overlap with the syncs planned for it."""
    by_region: dict[str, dict[tuple[Target, bool], str]] = {}
    for sync in planned:
        rules = by_region.setdefault(sync.target.region, {})
        rules.setdefault((sync.target, sync.override), sync.rule)
    return [
        _overlap(auto_sync, by_region[auto_sync.target.region])
        for auto_sync in auto_syncs
        if auto_sync.target.region in by_region
    ]


def _overlap(auto_sync: AutoSync, rules: dict[tuple[Target, bool], str]) -> Overlap:
    """Return the overlap with the rules for one region, of which there is at least one."""
    target, override = auto_sync.target, auto_sync.override
    # Where the rules override some tags and not others, the contradiction counts.
    if rule := rules.get((target, not override)):
        return Overlap(auto_sync, OverlapKind.OVERRIDE, rule)
    if rule := rules.get((target, override)):
        return Overlap(auto_sync, OverlapKind.DUPLICATE, rule)
    return Overlap(auto_sync, OverlapKind.ORGANIZATION, next(iter(rules.values())))
