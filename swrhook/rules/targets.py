"""Decide on each target of the rules that match a push."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol

from swrhook.model import Push, Target
from swrhook.swr_names import is_namespace

VARIABLES = ("namespace", "repository")

_VARIABLE = re.compile(r"\{([^{}]*)\}")


@dataclass(frozen=True, slots=True)
class RuleTarget:
    """A target in a rule; `{namespace}` and `{repository}` are replaced by the push's own."""

    region: str
    namespace: str
    override: bool = False

    def namespace_for(self, push: Push) -> str:
        """Return the organization for this push. It may be one that SWR does not allow."""
        if "{" not in self.namespace:
            return self.namespace
        values = {"namespace": push.namespace, "repository": push.repository}
        return _VARIABLE.sub(lambda variable: values[variable[1]], self.namespace)


class MatchedTarget(Protocol):
    """The parts of a rule that this module uses; `swrhook.rules.match` imports this module."""

    @property
    def name(self) -> str:
        """The rule's name."""
        ...

    @property
    def sync(self) -> Sequence[RuleTarget]:
        """The rule's targets."""
        ...

    @property
    def shadow(self) -> bool:
        """Whether its syncs are only recorded, not carried out."""
        ...


class TargetResult(StrEnum):
    """The decision on one target of a rule that matches a push."""

    SYNC = "sync"
    SHADOW = "shadow"  # would be a sync if the rule were not in shadow
    TAKEN = "taken"  # an earlier rule, or an earlier entry of this one, has the same target
    REFUSED = "refused"  # SWR cannot copy the image there


@dataclass(frozen=True, slots=True)
class TargetDecision:
    """The decision on one target of one rule for one push; `reason` says why there is no sync."""

    rule: str
    target: Target
    override: bool
    result: TargetResult
    reason: str | None = None


def decide_targets(push: Push, rules: Iterable[MatchedTarget]) -> list[TargetDecision]:
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
    push: Push, rule: MatchedTarget, target: Target, earlier_rule: str | None
) -> tuple[TargetResult, str | None]:
    if not is_namespace(target.namespace):
        return TargetResult.REFUSED, f'SWR allows no organization named "{target.namespace}"'
    if target.region == push.region:
        return TargetResult.REFUSED, f"the image is already in {push.region}"
    if earlier_rule is not None:
        return TargetResult.TAKEN, f"rule {earlier_rule} has this target, and its override applies"
    if rule.shadow:
        return TargetResult.SHADOW, "the rule is in shadow: this sync is not carried out"
    return TargetResult.SYNC, None


def unknown_variables(template: str) -> list[str]:
    """Return the names in braces in a target's organization that are not variables."""
    return [name for name in _VARIABLE.findall(template) if name not in VARIABLES]
