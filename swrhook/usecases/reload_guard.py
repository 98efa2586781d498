"""The effect of changed rules on a bounded sample, before a reload uses them."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from itertools import islice

from swrhook.config.candidate import Candidate
from swrhook.config.model import Config
from swrhook.config.reload_guard import ReloadGuard
from swrhook.ledger.database import Database
from swrhook.ledger.discovery import sample_tags
from swrhook.model import Push
from swrhook.rules.match import Rule
from swrhook.rules.plan import plan
from swrhook.rules.rulebook import Rulebook
from swrhook.usecases.whatif import Basis, Example, RuleChanges, compare, count_wanted, read_basis

SAMPLE_AGE = timedelta(days=7)
# A large share of less than this is no reason to hold a change.
LEAST_CHANGED = 50
MOST_EXAMPLES = 20
# Tags of a discovery in the sample, and how many pushes of them by some sender are tried: a plan
# takes some 25 µs of the interpreter, which deliveries need.
MOST_LISTED = 1000
MOST_TRIED = 5000


@dataclass(frozen=True, slots=True)
class Effect:
    """What changed rules do to the syncs of a sample.

    The old rules want `syncs` of its `pushes`; of these the new ones `gain` more, have `lost` some,
    and give some another override (`redirected`). Not `complete`: there were more pushes.
    """

    pushes: int
    complete: bool
    syncs: int
    gained: int
    lost: int
    redirected: int
    rules: Sequence[RuleChanges]
    examples: Sequence[Example]

    def is_large(self, limits: ReloadGuard) -> bool:
        """Tell whether an administrator has to accept it."""
        changed = self.gained + self.lost + self.redirected
        is_large_share = changed > limits.share * self.syncs and changed >= LEAST_CHANGED
        return changed > limits.syncs or is_large_share


def read_sample(before: Config, after: Config, database: Database, now: datetime) -> Basis:
    """Return what a change of rules is judged by: the pushes of the last days, and the old rules.

    Senders and regions are those of the new configuration, so that only the rules differ. Of the
    tags that a discovery has listed, some that were not pushed are added.
    """
    basis = read_basis(after, database, now - SAMPLE_AGE)
    pushed = {(push.region, push.namespace, push.repository, push.tag) for push in basis.pushes}
    most = max(min(MOST_LISTED, MOST_TRIED // max(len(basis.origins), 1)), 1)
    with database.read() as connection:
        listed = [tag for tag in sample_tags(connection, most) if tag not in pushed]
    pushes = [*basis.pushes, *_as_if_pushed(listed, basis, before.rules, after.rules)]
    return replace(basis, rules=tuple(before.rules), rules_version=before.version, pushes=pushes)


def _as_if_pushed(
    tags: Sequence[tuple[str, str, str, str]], basis: Basis, *rulebooks: Rulebook
) -> Iterator[Push]:
    """Yield for each tag the push of the first sender for which some rules want a sync."""
    for tag in tags:
        region, namespace, *_ = tag
        senders = (one for one in basis.origins.values() if one.region == region)
        pushes = [Push(one.name, *tag) for one in senders if one.may_push_to(namespace)]
        matching = (push for push in pushes if any(plan([push], book).syncs for book in rulebooks))
        yield from islice(matching, 1)


def measure(rules: Sequence[Rule], basis: Basis) -> Effect:
    """Return the effect of new rules on a sample."""
    comparison = compare(Candidate(basis.origins, Rulebook(rules)), basis)
    return Effect(
        pushes=comparison.pushes,
        complete=comparison.complete,
        syncs=count_wanted(basis),
        gained=comparison.gained,
        lost=comparison.lost,
        redirected=comparison.redirected,
        rules=comparison.rules,
        examples=comparison.examples[:MOST_EXAMPLES],
    )
