"""The effect of changed rules on a bounded sample, before a reload uses them."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from swrhook.config.candidate import Candidate
from swrhook.config.model import Config
from swrhook.config.reload_guard import ReloadGuard
from swrhook.ledger.database import Database
from swrhook.rules.match import Rule
from swrhook.rules.rulebook import Rulebook
from swrhook.usecases.whatif import Basis, Example, RuleChanges, compare, count_wanted, read_basis

SAMPLE_AGE = timedelta(days=7)
# A large share of less than this is no reason to hold a change.
LEAST_CHANGED = 50
MOST_EXAMPLES = 20


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

    Senders and regions are those of the new configuration, so that only the rules differ. Other
    image tags that are known to exist would be added here.
    """
    basis = read_basis(after, database, now - SAMPLE_AGE)
    return replace(basis, rules=tuple(before.rules), rules_version=before.version)


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
