"""Decide on each target of the rules that match a push."""

from collections.abc import Iterable
from dataclasses import dataclass
from enum import StrEnum

from swrhook.model import Push, Target
from swrhook.rules.match import Rule
from swrhook.swr_names import is_namespace
from swrhook.wording.message import say


class TargetResult(StrEnum):
    """The decision on one target of a rule that matches a push."""

    SYNC = "sync"
    SHADOW = "shadow"  # would be a sync if the rule were not in shadow
    DUPLICATE = "duplicate"  # an earlier rule, or an earlier entry of this one, has the same target
    REFUSED = "refused"  # SWR cannot copy the image there


@dataclass(frozen=True, slots=True)
class TargetDecision:
    """The decision on one target of one rule for one push; `reason` says why there is no sync."""

    rule: str
    target: Target
    override: bool
    result: TargetResult
    reason: str | None = None


_IN_SHADOW = say("the rule is in shadow: this sync is not carried out")


def decide_targets(push: Push, rules: Iterable[Rule]) -> list[TargetDecision]:
    """Return the decision on every target of the rules that match the push, in the rules' order.

    The first rule with a target decides on it. A rule in shadow leaves its targets to later rules.
    """
    first: dict[Target, str] = {}
    first_live: dict[Target, str] = {}
    decisions = []
    for rule in rules:
        for rule_target in rule.sync:
            target = Target(rule_target.region, rule_target.namespace_for(push))
            earlier_rule = (first if rule.shadow else first_live).get(target)
            result, reason = _decide_target(push, rule, target, earlier_rule)
            if result in {TargetResult.SYNC, TargetResult.SHADOW}:
                first.setdefault(target, rule.name)
            if result is TargetResult.SYNC:
                first_live[target] = rule.name
            decisions.append(
                TargetDecision(rule.name, target, rule_target.override, result, reason)
            )
    return decisions


def _decide_target(
    push: Push, rule: Rule, target: Target, earlier_rule: str | None
) -> tuple[TargetResult, str | None]:
    if not is_namespace(target.namespace):
        return TargetResult.REFUSED, say(
            'SWR allows no organization named "%(namespace)s"', namespace=target.namespace
        )
    if target.region == push.region:
        return TargetResult.REFUSED, say("the image is already in %(region)s", region=push.region)
    if earlier_rule is not None:
        reason = say("rule %(rule)s has this target, and its override applies", rule=earlier_rule)
        return TargetResult.DUPLICATE, reason
    if rule.shadow:
        return TargetResult.SHADOW, _IN_SHADOW
    return TargetResult.SYNC, None
