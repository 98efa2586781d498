"""Explain what the rules do with a push: which match or, if none does, which nearly do."""

from collections.abc import Sequence

from swrhook.model import Push
from swrhook.rules.match import Rule, RuleResult, evaluate, matches_any
from swrhook.rules.targets import TargetResult
from swrhook.rules.trace import ClauseTrace, RuleTrace, trace
from swrhook.usecases.explain.model import ExplainedSender
from swrhook.usecases.explain.text import shorten

MAX_RULES = 50
# A rule for another tag is nearer than one for another repository, and so on.
_WEIGHTS = {"tag": 1, "repository": 2, "namespace": 4, "sender": 8}
_MATCHING = frozenset({RuleResult.MATCHED, RuleResult.ATTACHMENT})


def explain_sender(push: Push, rules: Sequence[Rule]) -> ExplainedSender:
    """Return what these rules do with the push."""
    nearest = _nearest_rules(push, rules)
    traces = trace(push, nearest).rules
    return ExplainedSender(
        sender=push.sender,
        region=push.region,
        matched=any(_list_targets(rule, TargetResult.SYNC) for rule in traces),
        summary=_summarize(push, nearest, traces),
        rules=traces,
        rules_left_out=len(rules) - len(nearest),
    )


def _nearest_rules(push: Push, rules: Sequence[Rule]) -> Sequence[Rule]:
    """Return every rule that matches the push, and of the others those that nearly do."""
    if len(rules) <= MAX_RULES:
        return rules
    matching = {index for index, rule in enumerate(rules) if evaluate(rule, push) in _MATCHING}
    others = sorted(
        (_rule_distance(push, rule), index)
        for index, rule in enumerate(rules)
        if index not in matching
    )
    # At least one other, so that a summary can name the nearest rule even if all match but skip.
    nearest = {index for _, index in others[: max(MAX_RULES - len(matching), 1)]}
    return [rules[index] for index in sorted(matching | nearest)]


def _rule_distance(push: Push, rule: Rule) -> tuple[int, int, bool]:
    """Return the weight of unmatched fields, the number of exclusions, and if it is disabled."""
    unmatched = sum(
        _WEIGHTS[field]
        for field, patterns in rule.when.items()
        if not matches_any(patterns, push, field)
    )
    excluded = sum(matches_any(patterns, push, field) for field, patterns in rule.unless.items())
    return unmatched, excluded, not rule.enabled


def _summarize(push: Push, rules: Sequence[Rule], traces: Sequence[RuleTrace]) -> str:
    if not rules:
        return "there is no rule"
    for result, verb in (
        (TargetResult.SYNC, "sends it to"),
        (TargetResult.SHADOW, "is in shadow and would send it to"),
    ):
        sentences = [
            f"rule {rule.rule} {verb} {', '.join(targets)}"
            for rule in traces
            if (targets := _list_targets(rule, result))
        ]
        if sentences:
            return "; ".join(shorten(sentences))
    refused = [
        f"rule {rule.rule} cannot send it to {target.region}/{target.namespace}: {target.reason}"
        for rule in traces
        for target in rule.targets
        if target.result == TargetResult.REFUSED
    ]
    if refused:
        return "; ".join(shorten(refused))
    distances = [_rule_distance(push, rule) for rule in rules]
    return _explain_mismatch(traces[distances.index(min(distances))])


def _explain_mismatch(rule: RuleTrace) -> str:
    """Return why the nearest rule leads to no sync."""
    if rule.result == RuleResult.ATTACHMENT:
        return f"rule {rule.rule} matches, but {rule.reason}"
    problems = [
        f'{clause.field} "{clause.value}"'
        f" {'is excluded by `not`:' if clause.excludes else 'is not'} {_list_patterns(clause)}"
        for clause in rule.clauses
        if clause.is_obstacle
    ]
    if rule.result == RuleResult.DISABLED:
        if not problems:
            return f"rule {rule.rule} matches, but it is disabled (enabled: false)"
        problems.append("and it is disabled")
    return f"no rule matches; the nearest is {rule.rule}: {', '.join(problems)}"


def _list_patterns(clause: ClauseTrace) -> str:
    """Return the patterns that a value did not match or, under `not`, those that it did."""
    patterns = [f'"{item.pattern}"' for item in clause.patterns if item.matched is clause.excludes]
    return " or ".join(shorten(patterns))


def _list_targets(rule: RuleTrace, result: TargetResult) -> list[str]:
    return [
        f"{target.region}/{target.namespace}{' (override)' if target.override else ''}"
        for target in rule.targets
        if target.result == result
    ]
