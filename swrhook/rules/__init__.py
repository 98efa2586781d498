"""Rules: which pushes go where. docs/rules.md has the language and its grammars.

glob, regex, version and ranges are the patterns; match has the rule; index finds the rules that a
push can match among thousands; targets says what becomes of each target; trace shows all of it.
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
