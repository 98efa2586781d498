"""Pushes and rules make syncs."""

from collections.abc import Sequence

from swrhook.model import PlannedSync, Push, Target
from swrhook.names import is_namespace
from swrhook.rules import Rule, RuleTarget


def plan(pushes: Sequence[Push], rules: Sequence[Rule]) -> tuple[list[PlannedSync], list[str]]:
    """Return the syncs that the rules want, and a reason for each push or target left out.

    Each push goes to a target once: where two rules want the same target, the first one's
    override holds.
    """
    planned: dict[tuple[Push, Target], PlannedSync] = {}
    reasons: list[str] = []
    for push in pushes:
        matching = [rule for rule in rules if rule.matches(push)]
        if not matching:
            reasons.append(f"{push.image}: no rule matches")
        for rule in matching:
            for rule_target in rule.sync:
                target = _target(push, rule, rule_target)
                if isinstance(target, str):
                    reasons.append(target)
                    continue
                sync = PlannedSync(push, target, rule_target.override, rule.name)
                planned.setdefault((push, target), sync)
    return list(planned.values()), reasons


def _target(push: Push, rule: Rule, wanted: RuleTarget) -> Target | str:
    """Return the target, or the reason why SWR cannot copy there."""
    namespace = wanted.namespace_for(push)
    if not is_namespace(namespace):
        return f"{push.image}: rule {rule.name}: SWR allows no organization named «{namespace}»"
    if wanted.region == push.region:
        return f"{push.image}: rule {rule.name}: the image is in {push.region} already"
    return Target(wanted.region, namespace)
