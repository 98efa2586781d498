"""Rules decide which pushes are copied, and where to. docs/rules.md defines the language.

`glob`, `regex`, `versions` and `version_ranges` are the patterns, `match` evaluates one rule,
`rulebook` finds the rules that a push may match among thousands, `targets` decides on each target,
`plan` makes syncs of pushes, `trace` explains a decision and `lint` finds mistakes in rules.
"""

from swrhook.rules.glob import Glob
from swrhook.rules.match import FIELDS, Pattern, Rule, RuleResult, evaluate
from swrhook.rules.regex import Regex
from swrhook.rules.rulebook import Rulebook
from swrhook.rules.targets import (
    VARIABLES,
    RuleTarget,
    TargetDecision,
    TargetResult,
    decide_targets,
    unknown_variables,
)
from swrhook.rules.trace import Trace, trace
from swrhook.rules.version_ranges import Semver

__all__ = [
    "FIELDS",
    "VARIABLES",
    "Glob",
    "Pattern",
    "Regex",
    "Rule",
    "RuleResult",
    "RuleTarget",
    "Rulebook",
    "Semver",
    "TargetDecision",
    "TargetResult",
    "Trace",
    "decide_targets",
    "evaluate",
    "trace",
    "unknown_variables",
]
