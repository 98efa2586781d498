"""Explain where a push goes and why: every rule, clause and target.

A trace is made with the same functions as the plan (`evaluate`, `decide_targets`), so that they
always agree. It holds only strings and booleans: `dataclasses.asdict` makes JSON of it.
docs/rules.md documents the format.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from swrhook.model import Push
from swrhook.rules.match import Pattern, Rule, RuleResult, attachment_reason, evaluate
from swrhook.rules.targets import TargetDecision, decide_targets
from swrhook.wording.message import join_parts, say


@dataclass(frozen=True, slots=True)
class PatternTrace:
    """One pattern as the file writes it, and whether it matches the field's value."""

    pattern: str
    matched: bool


@dataclass(frozen=True, slots=True)
class ClauseTrace:
    """A rule's condition on one field; `excludes` if it is under `not`.

    `matched` is true if any of the patterns matches.
    """

    field: str
    value: str
    excludes: bool
    matched: bool
    patterns: Sequence[PatternTrace]

    @property
    def is_obstacle(self) -> bool:
        """Return whether this condition keeps the push from matching the rule."""
        return self.excludes == self.matched


@dataclass(frozen=True, slots=True)
class TargetTrace:
    """One target with its variables replaced; `result` is a value of TargetResult."""

    region: str
    namespace: str
    override: bool
    result: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class RuleTrace:
    """One rule; `result` is a value of RuleResult.

    `clauses` are always complete. `targets` is empty unless the result is `matched`.
    """

    rule: str
    result: str
    shadow: bool
    reason: str | None
    clauses: Sequence[ClauseTrace]
    targets: Sequence[TargetTrace]


@dataclass(frozen=True, slots=True)
class Trace:
    """One push and every rule, in the order of the file."""

    sender: str
    region: str
    namespace: str
    repository: str
    tag: str
    rules: Sequence[RuleTrace]


def trace(push: Push, rules: Sequence[Rule]) -> Trace:
    """Return the evaluation of the rules for the push, step by step."""
    results = [(rule, evaluate(rule, push)) for rule in rules]
    matching = [rule for rule, result in results if result is RuleResult.MATCHED]
    decisions = decide_targets(push, matching)
    traces = tuple(_trace_rule(push, rule, result, decisions) for rule, result in results)
    return Trace(push.sender, push.region, push.namespace, push.repository, push.tag, traces)


def _trace_rule(
    push: Push, rule: Rule, result: RuleResult, decisions: Sequence[TargetDecision]
) -> RuleTrace:
    clauses = tuple(
        _trace_clause(push, field, patterns, excludes=excludes)
        for conditions, excludes in ((rule.when, False), (rule.unless, True))
        for field, patterns in conditions.items()
    )
    targets = tuple(_trace_target(decision) for decision in decisions if decision.rule == rule.name)
    reason = _explain_result(push, result, clauses)
    return RuleTrace(rule.name, result.value, rule.shadow, reason, clauses, targets)


def _trace_target(decision: TargetDecision) -> TargetTrace:
    target, result = decision.target, decision.result.value
    return TargetTrace(target.region, target.namespace, decision.override, result, decision.reason)


def _trace_clause(
    push: Push, field: str, patterns: Sequence[Pattern], *, excludes: bool
) -> ClauseTrace:
    value: str = getattr(push, field)
    traces = tuple(PatternTrace(str(pattern), pattern.matches(value)) for pattern in patterns)
    return ClauseTrace(field, value, excludes, any(trace.matched for trace in traces), traces)


def _explain_result(push: Push, result: RuleResult, clauses: Sequence[ClauseTrace]) -> str | None:
    """Return why the rule does not match, None if it does."""
    match result:
        case RuleResult.DISABLED:
            return say("enabled is false")
        case RuleResult.ATTACHMENT:
            return attachment_reason(push)
        case RuleResult.MATCHED:
            return None
    excluded = result is RuleResult.EXCLUDED
    sentence = _EXCLUDED if excluded else _NOT_MATCHING
    return join_parts(
        sentence.using(field=clause.field, value=clause.value)
        for clause in clauses
        if clause.is_obstacle and clause.excludes is excluded
    )


_EXCLUDED = say('%(field)s "%(value)s" is excluded by `not`')
_NOT_MATCHING = say('%(field)s "%(value)s" does not match')
