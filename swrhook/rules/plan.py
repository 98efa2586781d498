"""Plan the syncs that the rules require for pushes, and compare two plans."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from swrhook.model import PlannedSync, Push, Target
from swrhook.rules.match import RuleResult, attachment_reason, evaluate
from swrhook.rules.rulebook import Rulebook
from swrhook.rules.targets import TargetDecision, TargetResult, decide_targets
from swrhook.wording.message import Message, say


@dataclass(frozen=True, slots=True)
class Plan:
    """The syncs to carry out, those of rules in shadow, and the reasons for what is left out."""

    syncs: Sequence[PlannedSync]
    shadow: Sequence[PlannedSync]
    reasons: Sequence[str]


class PlanChange(StrEnum):
    """How two plans differ in one target."""

    GAINED = "gained"
    LOST = "lost"
    REDIRECTED = "redirected"  # the same target, another override


@dataclass(frozen=True, slots=True)
class PlanDifference:
    """One target that differs in two plans; `before` and `after` are overrides, None: no sync.

    `rule` is the rule that requires the sync afterwards or, if none does, required it before.
    """

    change: PlanChange
    image: str
    target: Target
    before: bool | None
    after: bool | None
    rule: str


_NO_RULE = say("no rule matches")
_OF_RULE = say("rule %(rule)s: %(reason)s")
_WOULD_SYNC = say("rule %(rule)s (shadow) would sync to %(target)s")
_WOULD_REPLACE = say("rule %(rule)s (shadow) would sync to %(target)s, override")


def plan(pushes: Sequence[Push], rules: Rulebook) -> Plan:
    """Return the syncs that the rules require, and a reason for each push or target left out.

    Each push goes to a target once. If several rules have the same target, the override of the
    first one applies.
    """
    syncs: list[PlannedSync] = []
    shadow: list[PlannedSync] = []
    reasons: list[str] = []
    for push in pushes:
        results = [(rule, evaluate(rule, push)) for rule in rules.candidates(push)]
        matching = [rule for rule, result in results if result is RuleResult.MATCHED]
        decisions = decide_targets(push, matching)
        syncs += _planned_syncs(push, decisions, TargetResult.SYNC)
        shadow += _planned_syncs(push, decisions, TargetResult.SHADOW)
        reasons += [
            about(push, _OF_RULE.using(rule=rule.name, reason=attachment_reason(push)))
            for rule, result in results
            if result is RuleResult.ATTACHMENT
        ]
        reasons += _skip_reasons(push, decisions)
        if not any(result in {RuleResult.MATCHED, RuleResult.ATTACHMENT} for _, result in results):
            reasons.append(about(push, _NO_RULE))
    return Plan(tuple(syncs), tuple(shadow), tuple(reasons))


def about(push: Push, reason: str) -> Message:
    """Return a reason with the image that it is about."""
    return say("%(image)s: %(reason)s", image=push.image, reason=reason)


def reason_about(image: str, text: str) -> str | None:
    """Return the reason in a text that `about` made for this image, None if it is for another."""
    if not text.startswith(f"{image}: "):
        return None
    reason = text.values.get("reason") if isinstance(text, Message) else None
    return reason if isinstance(reason, str) else text.removeprefix(f"{image}: ")


def diff_plans(before: Sequence[PlannedSync], after: Sequence[PlannedSync]) -> list[PlanDifference]:
    """Return the syncs that are gained, lost or redirected from one plan to another.

    Both plans are for the same pushes. The same sync by another rule is no difference.
    """
    old = {(sync.push.image, sync.target): sync.override for sync in before}
    new = {(sync.push.image, sync.target): sync.override for sync in after}
    rules = {(sync.push.image, sync.target): sync.rule for sync in [*before, *after]}
    overrides = {key: (old.get(key), new.get(key)) for key in rules}
    return [
        PlanDifference(_kind_of_change(*pair), *key, *pair, rules[key])
        for key, pair in overrides.items()
        if pair[0] is not pair[1]
    ]


def _kind_of_change(before: bool | None, after: bool | None) -> PlanChange:  # noqa: FBT001  # a column each
    if before is None:
        return PlanChange.GAINED
    return PlanChange.LOST if after is None else PlanChange.REDIRECTED


def _planned_syncs(
    push: Push, decisions: Iterable[TargetDecision], result: TargetResult
) -> list[PlannedSync]:
    return [
        PlannedSync(push, decision.target, decision.override, decision.rule)
        for decision in decisions
        if decision.result is result
    ]


def _skip_reasons(push: Push, decisions: Iterable[TargetDecision]) -> list[str]:
    """Return the reasons for targets without a sync, except those that another rule has."""
    reasons: list[str] = []
    for decision in decisions:
        if decision.result is TargetResult.REFUSED:
            reason = _OF_RULE.using(rule=decision.rule, reason=decision.reason)
            reasons.append(about(push, reason))
        elif decision.result is TargetResult.SHADOW:
            sentence = _WOULD_REPLACE if decision.override else _WOULD_SYNC
            reasons.append(about(push, sentence.using(rule=decision.rule, target=decision.target)))
    return reasons
