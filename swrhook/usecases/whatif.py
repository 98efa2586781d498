"""Compare proposed rules with those in use, on the pushes that were recorded."""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from swrhook.config.candidate import Candidate, excerpt_of, read_candidate
from swrhook.config.model import Config
from swrhook.config.nodes import Data
from swrhook.ledger.database import Database
from swrhook.ledger.queries.deliveries import iter_pushes
from swrhook.model import Announcement, PlannedSync, Push
from swrhook.rules.match import Rule
from swrhook.rules.plan import PlanChange, PlanDifference, diff_plans, plan
from swrhook.rules.rulebook import Rulebook
from swrhook.senders.sender import ImageSettings, Origin, to_pushes

MAX_PUSHES = 10_000
_MAX_READ = 10 * MAX_PUSHES
MAX_EXAMPLES = 100


@dataclass(frozen=True, slots=True)
class RuleChanges:
    """The number of syncs that a rule would gain, lose or redirect (change their override).

    A lost sync counts for the rule in use, any other for the proposed rule.
    """

    rule: str
    gained: int
    lost: int
    redirected: int


@dataclass(frozen=True, slots=True)
class Example:
    """One sync that would differ; `before` and `after` are its override, None: no sync."""

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
    """How a candidate differs from the rules in use, for the pushes recorded since `since`.

    `pushes` counts the different tags of each sender, `unchanged` those whose syncs all stay the
    same. If `complete` is false, there were too many pushes, and only the newest were compared.
    `examples` are some of the differing syncs, for the newest pushes.
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


@dataclass(frozen=True, slots=True)
class Basis:
    """What a candidate is compared with: the configuration in use, and the recorded pushes.

    It holds no secret, and can be sent to another process.
    """

    excerpt: Mapping[str, Data]
    origins: Mapping[str, Origin]
    rules: Sequence[Rule]
    rules_version: str
    since: datetime
    pushes: Sequence[Push]
    complete: bool


def read_basis(config: Config, database: Database, since: datetime) -> Basis:
    """Return the configuration in use, and the pushes recorded since then."""
    pushes, complete = _distinct_pushes(database, since)
    return Basis(
        excerpt=excerpt_of(config),
        origins={
            name: Origin(name, sender.region, sender.image, sender.allow_namespaces)
            for name, sender in config.senders.items()
        },
        rules=tuple(config.rules),
        rules_version=config.version,
        since=since,
        pushes=pushes,
        complete=complete,
    )


def compare_text(candidate: bytes, basis: Basis) -> WhatIf:
    """Compare a candidate's text with the basis. Raises BadConfiguration."""
    return compare(read_candidate(candidate, basis.excerpt), basis)


def compare(candidate: Candidate, basis: Basis) -> WhatIf:
    """Compare a candidate with the basis."""
    tally = _Tally()
    rules = Rulebook(basis.rules)
    for push in basis.pushes:
        before = _plan_push(_update_region(push, basis.origins), rules)
        after = _plan_push(_rename(push, basis.origins, candidate.origins), candidate.rules)
        tally.add(push.sender, before, after)
    return WhatIf(
        rules_version=basis.rules_version,
        since=basis.since,
        complete=basis.complete,
        pushes=len(basis.pushes),
        unchanged=len(basis.pushes) - tally.changed,
        gained=tally.total(PlanChange.GAINED),
        lost=tally.total(PlanChange.LOST),
        redirected=tally.total(PlanChange.REDIRECTED),
        rules=tally.rules(),
        examples=tally.examples,
        warnings=candidate.warnings,
    )


def count_wanted(basis: Basis) -> int:
    """Return how many syncs the rules in use want for the basis."""
    rules = Rulebook(basis.rules)
    pushes = (_update_region(push, basis.origins) for push in basis.pushes)
    return sum(len(_plan_push(push, rules)) for push in pushes)


@dataclass(slots=True)
class _Tally:
    """The differences so far."""

    counts: Counter[tuple[str, PlanChange]] = field(default_factory=Counter)
    examples: list[Example] = field(default_factory=list)
    changed: int = 0

    def add(self, sender: str, before: Sequence[PlannedSync], after: Sequence[PlannedSync]) -> None:
        differences = diff_plans(before, after)
        self.changed += bool(differences)
        for difference in differences:
            self.counts[difference.rule, difference.change] += 1
            if len(self.examples) < MAX_EXAMPLES:
                self.examples.append(_to_example(difference, sender))

    def total(self, change: PlanChange) -> int:
        return sum(count for (_, counted), count in self.counts.items() if counted is change)

    def rules(self) -> list[RuleChanges]:
        names = sorted({rule for rule, _ in self.counts})
        return [
            RuleChanges(name, *(self.counts[name, change] for change in PlanChange))
            for name in names
        ]


def _distinct_pushes(database: Database, since: datetime) -> tuple[Sequence[Push], bool]:
    """Return the newest pushes without repetitions, and whether these are all."""
    pushes: dict[Push, None] = {}
    count_read = 0
    for page in iter_pushes(database, since):
        pushes.update(dict.fromkeys(page))
        count_read += len(page)
        if len(pushes) > MAX_PUSHES or count_read >= _MAX_READ:
            return list(pushes)[:MAX_PUSHES], False
    return list(pushes), True


def _update_region(push: Push, origins: Mapping[str, Origin]) -> Push | None:
    """Return the push in its sender's present region; None if no such sender may push it."""
    sender = origins.get(push.sender)
    if sender is None or not sender.may_push_to(push.namespace):
        return None
    return replace(push, region=sender.region)


def _rename(push: Push, present: Mapping[str, Origin], after: Mapping[str, Origin]) -> Push | None:
    """Return the push under the candidate's `image` settings; None if it would not be accepted."""
    old, new = present.get(push.sender), after.get(push.sender)
    if old is None or new is None or old.image == new.image:
        return _update_region(push, after)
    name = _original_name(push, old.image)
    if name is None:
        return _update_region(push, after)
    pushes, _ = to_pushes(new, [Announcement(name, push.tag)])
    return next((other for other in pushes if new.may_push_to(other.namespace)), None)


def _original_name(push: Push, image: ImageSettings) -> str | None:
    """Return the name that the sender used; None if the push is older than the settings."""
    if image.namespace:
        if push.namespace != image.namespace:
            return None
        return f"{image.strip_prefix}{push.repository}"
    if push.namespace == image.default_namespace and "/" not in push.repository:
        return f"{image.strip_prefix}{push.repository}"
    return f"{image.strip_prefix}{push.namespace}/{push.repository}"


def _plan_push(push: Push | None, rules: Rulebook) -> Sequence[PlannedSync]:
    return () if push is None else plan([push], rules).syncs


def _to_example(difference: PlanDifference, sender: str) -> Example:
    return Example(
        change=difference.change.value,
        image=difference.image,
        sender=sender,
        target_region=difference.target.region,
        target_namespace=difference.target.namespace,
        before=difference.before,
        after=difference.after,
        rule=difference.rule,
    )
