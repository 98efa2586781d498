"""Explain what the rules do with a push: which match or, if none does, which nearly do."""

from collections.abc import Sequence

from swrhook.model import Push
from swrhook.rules.match import Rule, RuleResult, evaluate, matches_any
from swrhook.rules.targets import TargetResult
from swrhook.rules.trace import ClauseTrace, RuleTrace, TargetTrace, trace
from swrhook.usecases.explain.model import ExplainedSender
from swrhook.usecases.explain.text import shorten
from swrhook.wording.message import join_parts, say, say_alternatives, say_list

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
        return say("there is no rule")
    for result, sentence in (
        (TargetResult.SYNC, say("rule %(rule)s sends it to %(targets)s")),
        (TargetResult.SHADOW, say("rule %(rule)s is in shadow and would send it to %(targets)s")),
    ):
        sentences = [
            sentence.using(rule=rule.rule, targets=say_list(targets))
            for rule in traces
            if (targets := _list_targets(rule, result))
        ]
        if sentences:
            return join_parts(shorten(sentences))
    refused = [
        say(
            "rule %(rule)s cannot send it to %(target)s: %(reason)s",
            rule=rule.rule,
            target=_name(target),
            reason=target.reason,
        )
        for rule in traces
        for target in rule.targets
        if target.result == TargetResult.REFUSED
    ]
    if refused:
        return join_parts(shorten(refused))
    distances = [_rule_distance(push, rule) for rule in rules]
    return _explain_mismatch(traces[distances.index(min(distances))])


def _explain_mismatch(rule: RuleTrace) -> str:
    """Return why the nearest rule leads to no sync."""
    if rule.result == RuleResult.ATTACHMENT:
        return say("rule %(rule)s matches, but %(reason)s", rule=rule.rule, reason=rule.reason)
    problems: list[str] = [
        _CLAUSES[clause.excludes].using(
            field=clause.field, value=clause.value, patterns=_list_patterns(clause)
        )
        for clause in rule.clauses
        if clause.is_obstacle
    ]
    if rule.result == RuleResult.DISABLED:
        if not problems:
            return say("rule %(rule)s matches, but it is disabled (enabled: false)", rule=rule.rule)
        problems.append(say("and it is disabled"))
    return say(
        "no rule matches; the nearest is %(rule)s: %(problems)s",
        rule=rule.rule,
        problems=say_list(problems),
    )


# By whether the clause stands under `not`.
_CLAUSES = {
    False: say('%(field)s "%(value)s" is not %(patterns)s'),
    True: say('%(field)s "%(value)s" is excluded by `not`: %(patterns)s'),
}


def _list_patterns(clause: ClauseTrace) -> str:
    """Return the patterns that a value did not match or, under `not`, those that it did."""
    patterns = [f'"{item.pattern}"' for item in clause.patterns if item.matched is clause.excludes]
    return say_alternatives(shorten(patterns))


def _list_targets(rule: RuleTrace, result: TargetResult) -> list[str]:
    return [
        say("%(target)s (override)", target=_name(target)) if target.override else _name(target)
        for target in rule.targets
        if target.result == result
    ]


def _name(target: TargetTrace) -> str:
    return f"{target.region}/{target.namespace}"
