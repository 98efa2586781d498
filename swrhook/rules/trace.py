"""Why a push goes where it goes: every rule, every clause, every target.

A trace is made of the same calls as the plan (`judge`, `fits`, `decide`) and holds texts and truth
values only: `dataclasses.asdict` makes JSON of it. docs/rules.md tells its shape.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from swrhook.model import Push
from swrhook.rules.match import Pattern, Rule, Verdict, attachment, judge
from swrhook.rules.targets import Decision, decide


@dataclass(frozen=True, slots=True)
class PatternTrace:
    """One pattern as the file writes it, and whether the field's value fits it."""

    pattern: str
    matched: bool


@dataclass(frozen=True, slots=True)
class ClauseTrace:
    """What a rule asks of one field; `excludes` where it stands under `not`.

    `matched` tells that any of the patterns fits; one that excludes lets the others pass.
    """

    field: str
    value: str
    excludes: bool
    matched: bool
    patterns: Sequence[PatternTrace]


@dataclass(frozen=True, slots=True)
class TargetTrace:
    """One target with its variables replaced; `fate` is sync, shadow, taken or refused."""

    region: str
    namespace: str
    override: bool
    fate: str
    reason: str | None


@dataclass(frozen=True, slots=True)
class RuleTrace:
    """One rule; `verdict` is wanted, not matched, excluded, attachment or disabled.

    `targets` is empty unless it is wanted; `clauses` are told in any case, all of them.
    """

    rule: str
    verdict: str
    shadow: bool
    reason: str | None
    clauses: Sequence[ClauseTrace]
    targets: Sequence[TargetTrace]


@dataclass(frozen=True, slots=True)
class Trace:
    """One push and every rule in the file's order."""

    sender: str
    region: str
    namespace: str
    repository: str
    tag: str
    rules: Sequence[RuleTrace]


def trace(push: Push, rules: Sequence[Rule]) -> Trace:
    """Return how the rules come to what they say of the push."""
    verdicts = [judge(rule, push) for rule in rules]
    wanting = [rule for rule, said in zip(rules, verdicts, strict=True) if said is Verdict.WANTED]
    decisions = decide(push, wanting)
    return Trace(
        push.sender,
        push.region,
        push.namespace,
        push.repository,
        push.tag,
        tuple(
            _rule(push, rule, said, [each for each in decisions if each.rule == rule.name])
            for rule, said in zip(rules, verdicts, strict=True)
        ),
    )


def _rule(push: Push, rule: Rule, verdict: Verdict, decisions: Sequence[Decision]) -> RuleTrace:
    clauses = [
        *(_clause(push, field, patterns, excludes=False) for field, patterns in rule.when.items()),
        *(_clause(push, field, patterns, excludes=True) for field, patterns in rule.unless.items()),
    ]
    targets = [
        TargetTrace(
            each.target.region, each.target.namespace, each.override, each.fate.value, each.reason
        )
        for each in decisions
    ]
    reason = _reason(push, verdict, clauses)
    return RuleTrace(rule.name, verdict.value, rule.shadow, reason, tuple(clauses), tuple(targets))


def _clause(push: Push, field: str, patterns: Sequence[Pattern], *, excludes: bool) -> ClauseTrace:
    value: str = getattr(push, field)
    told = tuple(PatternTrace(str(pattern), pattern.matches(value)) for pattern in patterns)
    return ClauseTrace(field, value, excludes, any(each.matched for each in told), told)


def _reason(push: Push, verdict: Verdict, clauses: Sequence[ClauseTrace]) -> str | None:
    """Say in words what the clauses say."""
    match verdict:
        case Verdict.DISABLED:
            return "enabled is false"
        case Verdict.ATTACHMENT:
            return f"{attachment(push)} is skipped (skip_attachments)"
        case Verdict.NOT_MATCHED:
            failed = [each for each in clauses if not each.excludes and not each.matched]
            return "; ".join(f"{each.field} «{each.value}» does not match" for each in failed)
        case Verdict.EXCLUDED:
            met = [each for each in clauses if each.excludes and each.matched]
            return "; ".join(f"{each.field} «{each.value}» is excluded by «not»" for each in met)
        case _:
            return None
