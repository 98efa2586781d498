"""What the rules say of a push, told for people: who wants it or, if none does, who nearly did."""

from collections.abc import Sequence

from swrhook.model import Push
from swrhook.rules import Fate, Rule, Verdict, judge, trace
from swrhook.rules.match import fits
from swrhook.rules.trace import ClauseTrace, RuleTrace
from swrhook.usecases.explain.model import ExplainedSender

MOST_RULES = 50
# A rule that asks for another tag is nearer than one that asks for another repository, and so on.
_WEIGHTS = {"tag": 1, "repository": 2, "namespace": 4, "sender": 8}
_CLOSE = frozenset({Verdict.WANTED, Verdict.ATTACHMENT})
_MOST_NAMED = 5

# The first is what does not match, the second how much is excluded, the third a switch.
_Distance = tuple[int, int, bool]


def explain_sender(push: Push, rules: Sequence[Rule]) -> ExplainedSender:
    """Return what becomes of the push under these rules."""
    told = _nearest(push, rules)
    traced = trace(push, told).rules
    return ExplainedSender(
        sender=push.sender,
        region=push.region,
        wanted=any(_targets(rule, Fate.SYNC) for rule in traced),
        summary=_summary(traced),
        rules=traced,
        rules_left_out=len(rules) - len(told),
    )


def _nearest(push: Push, rules: Sequence[Rule]) -> Sequence[Rule]:
    """Return every rule that takes the push, and of the others those that nearly do."""
    if len(rules) <= MOST_RULES:
        return rules
    close = {place for place, rule in enumerate(rules) if judge(rule, push) in _CLOSE}
    others = sorted(
        (_distance(push, rule), place) for place, rule in enumerate(rules) if place not in close
    )
    kept = close | {place for _, place in others[: max(MOST_RULES - len(close), 1)]}
    return [rules[place] for place in sorted(kept)]


def _distance(push: Push, rule: Rule) -> _Distance:
    missed = sum(
        _WEIGHTS[field] for field, patterns in rule.when.items() if not fits(patterns, push, field)
    )
    excluded = sum(fits(patterns, push, field) for field, patterns in rule.unless.items())
    return missed, excluded, not rule.enabled


def _distance_told(rule: RuleTrace) -> _Distance:
    missed = sum(_WEIGHTS[clause.field] for clause in _missed(rule))
    return missed, len(_excluding(rule)), rule.verdict == Verdict.DISABLED


def _summary(rules: Sequence[RuleTrace]) -> str:
    if not rules:
        return "there is no rule"
    for fate, words in ((Fate.SYNC, "sends it to"), (Fate.SHADOW, "is in shadow: it would go to")):
        said = [
            f"rule {rule.rule} {words} {', '.join(targets)}"
            for rule in rules
            if (targets := _targets(rule, fate))
        ]
        if said:
            return "; ".join(_some(said))
    refused = [
        f"rule {rule.rule} wants it for {target.region}/{target.namespace}, but {target.reason}"
        for rule in rules
        for target in rule.targets
        if target.fate == Fate.REFUSED
    ]
    if refused:
        return "; ".join(_some(refused))
    return _miss(min(rules, key=_distance_told))


def _miss(rule: RuleTrace) -> str:
    """Say why the rule that is nearest does not want the push."""
    if rule.verdict == Verdict.ATTACHMENT:
        return f"rule {rule.rule} matches, but {rule.reason}"
    wrong = [
        f"{clause.field} «{clause.value}» is not {_patterns(clause)}" for clause in _missed(rule)
    ]
    wrong += [
        f"{clause.field} «{clause.value}» is excluded by «not»: {_patterns(clause, matched=True)}"
        for clause in _excluding(rule)
    ]
    if rule.verdict == Verdict.DISABLED:
        if not wrong:
            return f"rule {rule.rule} matches, but it is disabled (enabled: false)"
        wrong.append("and it is disabled")
    return f"no rule matches; the nearest is {rule.rule}: {', '.join(wrong)}"


def _missed(rule: RuleTrace) -> list[ClauseTrace]:
    return [clause for clause in rule.clauses if not clause.excludes and not clause.matched]


def _excluding(rule: RuleTrace) -> list[ClauseTrace]:
    return [clause for clause in rule.clauses if clause.excludes and clause.matched]


def _patterns(clause: ClauseTrace, *, matched: bool = False) -> str:
    return " or ".join(
        _some([f"«{each.pattern}»" for each in clause.patterns if each.matched is matched])
    )


def _targets(rule: RuleTrace, fate: Fate) -> list[str]:
    return [
        f"{target.region}/{target.namespace}{' (override)' if target.override else ''}"
        for target in rule.targets
        if target.fate == fate
    ]


def _some(texts: list[str]) -> list[str]:
    more = len(texts) - _MOST_NAMED
    return texts if more <= 0 else [*texts[:_MOST_NAMED], f"and {more} more"]
