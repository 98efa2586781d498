"""What would become of the pushes that came, were other rules in use."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from swrhook.config.candidate import Candidate
from swrhook.config.model import Config
from swrhook.ledger.database import Database
from swrhook.ledger.queries.deliveries import announced
from swrhook.model import Announcement, PlannedSync, Push
from swrhook.rules import Rulebook
from swrhook.rules.plan import Change, Difference, difference, plan
from swrhook.senders.sender import ImageSettings, Naming, to_pushes

MOST_PUSHES = 10_000
_MOST_LOOKED_THROUGH = 10 * MOST_PUSHES
MOST_EXAMPLES = 100


@dataclass(frozen=True, slots=True)
class RuleChanges:
    """How many syncs a rule would gain, lose, or redirect: the same target, another override.

    What is lost counts for the rule that wants it now, all else for the candidate's.
    """

    rule: str
    gained: int
    lost: int
    redirected: int


@dataclass(frozen=True, slots=True)
class Example:
    """One sync that would differ; an override is None where there is no sync."""

    change: str
    image: str
    sender: str
    target_region: str
    target_namespace: str
    before: bool | None
    after: bool | None
    rule: str


@dataclass(frozen=True, slots=True)
class WhatIf:
    """How the candidate differs from the rules in use, over the pushes recorded since then.

    `pushes` counts different tags of a sender, `unchanged` those of which every sync stays as it
    is. `complete` tells that none was left out; else the newest are what counts. `examples` are
    some of the syncs, of the newest pushes.
    """

    rules_version: str
    since: datetime
    complete: bool
    pushes: int
    unchanged: int
    gained: int
    lost: int
    redirected: int
    rules: Sequence[RuleChanges]
    examples: Sequence[Example]
    warnings: Sequence[str]


def whatif(candidate: Candidate, config: Config, database: Database, since: datetime) -> WhatIf:
    """Compare the candidate with the configuration in use, on what was announced since then."""
    tally = _Tally()
    present = config.senders
    pushes, complete = _distinct(database, since)
    for push in pushes:
        before = _plan(_moved(push, present), config.rules)
        after = _plan(_renamed(push, present, candidate.origins), candidate.rules)
        tally.add(push.sender, before, after)
    return WhatIf(
        rules_version=config.version,
        since=since,
        complete=complete,
        pushes=len(pushes),
        unchanged=len(pushes) - tally.changed,
        gained=tally.total(Change.GAINED),
        lost=tally.total(Change.LOST),
        redirected=tally.total(Change.REDIRECTED),
        rules=tally.rules(),
        examples=tally.examples,
        warnings=candidate.warnings,
    )


@dataclass(slots=True)
class _Tally:
    """What has been found so far."""

    counts: Counter[tuple[str, Change]] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)
    changed: int = 0

    def add(self, sender: str, before: Sequence[PlannedSync], after: Sequence[PlannedSync]) -> None:
        found = difference(before, after)
        self.changed += bool(found)
        for each in found:
            rule = _rule(each, before if each.change is Change.LOST else after)
            self.counts[rule, each.change] += 1
            if len(self.examples) < MOST_EXAMPLES:
                self.examples.append(_example(each, sender, rule))

    def total(self, change: Change) -> int:
        return sum(count for (_, what), count in self.counts.items() if what is change)

    def rules(self) -> list[RuleChanges]:
        names = sorted({rule for rule, _ in self.counts})
        return [
            RuleChanges(name, *(self.counts[name, change] for change in Change)) for name in names
        ]


def _distinct(database: Database, since: datetime) -> tuple[Sequence[Push], bool]:
    """Return the newest different pushes, and whether these are all."""
    found: dict[Push, None] = {}
    looked_through = 0
    for page in announced(database, since):
        found.update(dict.fromkeys(page))
        looked_through += len(page)
        if len(found) > MOST_PUSHES or looked_through >= _MOST_LOOKED_THROUGH:
            return list(found)[:MOST_PUSHES], False
    return list(found), True


def _moved(push: Push, origins: Mapping[str, Naming]) -> Push | None:
    """Return the push as its sender announces it now; None where there is no such sender."""
    sender = origins.get(push.sender)
    return None if sender is None else replace(push, region=sender.region)


def _renamed(push: Push, present: Mapping[str, Naming], after: Mapping[str, Naming]) -> Push | None:
    """Return the push as its sender would announce it; None where it could not."""
    now, then = present.get(push.sender), after.get(push.sender)
    if now is None or then is None or now.image == then.image:
        return _moved(push, after)
    name = _sent_name(push, now.image)
    if name is None:
        return _moved(push, after)
    pushes, _ = to_pushes(then, [Announcement(name, push.tag)])
    return pushes[0] if pushes else None


def _sent_name(push: Push, image: ImageSettings) -> str | None:
    """Return the name that the sender used; None of a push from before the present settings."""
    if image.namespace:
        is_theirs = push.namespace == image.namespace
        return f"{image.strip_prefix}{push.repository}" if is_theirs else None
    if push.namespace == image.default_namespace and "/" not in push.repository:
        return f"{image.strip_prefix}{push.repository}"
    return f"{image.strip_prefix}{push.namespace}/{push.repository}"


def _plan(push: Push | None, rules: Rulebook) -> Sequence[PlannedSync]:
    return () if push is None else plan([push], rules).syncs


def _rule(each: Difference, syncs: Sequence[PlannedSync]) -> str:
    return next(
        sync.rule for sync in syncs if (sync.push.image, sync.target) == (each.image, each.target)
    )


def _example(each: Difference, sender: str, rule: str) -> Example:
    return Example(
        change=each.change.value,
        image=each.image,
        sender=sender,
        target_region=each.target.region,
        target_namespace=each.target.namespace,
        before=each.before,
        after=each.after,
        rule=rule,
    )
