"""The targets of the rules that want a push, and what becomes of each."""

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
    """Where a rule sends images; `{namespace}` and `{repository}` stand for the push's own."""

    region: str
    namespace: str
    override: bool = False

    def namespace_for(self, push: Push) -> str:
        """Return the organization for this push; whether SWR allows it is `decide`'s question."""
        if "{" not in self.namespace:
            return self.namespace
        values = {"namespace": push.namespace, "repository": push.repository}
        return _VARIABLE.sub(lambda variable: values[variable[1]], self.namespace)


class MatchedTarget(Protocol):
    """What is asked of a rule here."""

    @property
    def name(self) -> str:
        """Its name."""
        ...

    @property
    def sync(self) -> Sequence[RuleTarget]:
        """Its targets."""
        ...

    @property
    def shadow(self) -> bool:
        """Whether nothing may come of it."""
        ...


class TargetResult(StrEnum):
    """What becomes of one target of a rule that wants a push."""

    SYNC = "sync"
    SHADOW = "shadow"  # a sync, were the rule not in shadow
    TAKEN = "taken"  # an earlier rule, or an earlier target of this one, has it
    REFUSED = "refused"  # SWR cannot copy there


@dataclass(frozen=True, slots=True)
class TargetDecision:
    """One target of one rule for one push; `reason` says why it is no sync."""

    rule: str
    target: Target
    override: bool
    fate: TargetResult
    reason: str | None = None


def decide_targets(push: Push, wanting: Iterable[MatchedTarget]) -> list[TargetDecision]:
    """Return what becomes of every target of the rules that want the push, in the rules' order.

    Each target is used once: the first rule that has it decides. A rule in shadow takes no target
    away from those behind it.
    """
    first: dict[Target, str] = {}
    live: dict[Target, str] = {}
    decisions = []
    for rule in wanting:
        for rule_target in rule.sync:
            target = Target(rule_target.region, rule_target.namespace_for(push))
            taken = (first if rule.shadow else live).get(target)
            fate, reason = _fate(push, rule, target, taken)
            if fate in {TargetResult.SYNC, TargetResult.SHADOW}:
                first.setdefault(target, rule.name)
            if fate is TargetResult.SYNC:
                live[target] = rule.name
            decisions.append(TargetDecision(rule.name, target, rule_target.override, fate, reason))
    return decisions


def _fate(
    push: Push, rule: MatchedTarget, target: Target, taken: str | None
) -> tuple[TargetResult, str | None]:
    if not is_namespace(target.namespace):
        return TargetResult.REFUSED, f"SWR allows no organization named «{target.namespace}»"
    if target.region == push.region:
        return TargetResult.REFUSED, f"the image is in {push.region} already"
    if taken is not None:
        return TargetResult.TAKEN, f"the rule {taken} has this target: its override holds"
    if rule.shadow:
        return TargetResult.SHADOW, "the rule is in shadow: it would be synchronized"
    return TargetResult.SYNC, None


def unknown_variables(template: str) -> list[str]:
    """Return what stands in braces in a target's organization and is no variable."""
    return [name for name in _VARIABLE.findall(template) if name not in VARIABLES]
