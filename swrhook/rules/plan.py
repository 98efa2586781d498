"""Pushes and rules make syncs."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from enum import StrEnum

from swrhook.model import PlannedSync, Push, Target
from swrhook.rules import (
    Rulebook,
    RuleResult,
    TargetDecision,
    TargetResult,
    decide_targets,
    evaluate,
)
from swrhook.rules.match import attachment


@dataclass(frozen=True, slots=True)
class Plan:
    """The syncs that the rules want, those that a rule in shadow would, and why the rest is not."""

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
    """One target that two plans of a push treat differently; an override is None without a sync."""

    change: PlanChange
    image: str
    target: Target
    before: bool | None
    after: bool | None


def plan(pushes: Sequence[Push], rules: Rulebook) -> Plan:
    """Return the syncs that the rules want, and a reason for each push or target left out.

    Each push goes to a target once: where two rules want the same target, the first one's
    override holds.
    """
    syncs: list[PlannedSync] = []
    shadow: list[PlannedSync] = []
    reasons: list[str] = []
    for push in pushes:
        verdicts = [(rule, evaluate(rule, push)) for rule in rules.candidates(push)]
        decisions = decide_targets(
            push, [rule for rule, said in verdicts if said is RuleResult.WANTED]
        )
        syncs += _syncs(push, decisions, TargetResult.SYNC)
        shadow += _syncs(push, decisions, TargetResult.SHADOW)
        reasons += [
            f"{push.image}: rule {rule.name}: {attachment(push)} is skipped (skip_attachments)"
            for rule, said in verdicts
            if said is RuleResult.ATTACHMENT
        ]
        reasons += _left_out(push, decisions)
        if not any(said in {RuleResult.WANTED, RuleResult.ATTACHMENT} for _, said in verdicts):
            reasons.append(f"{push.image}: no rule matches")
    return Plan(tuple(syncs), tuple(shadow), tuple(reasons))


def diff_plans(before: Iterable[PlannedSync], after: Iterable[PlannedSync]) -> list[PlanDifference]:
    """Return what is gained, lost or redirected from one plan of a push, or of several, to another.

    Which rule wants a sync makes no difference.
    """
    then = {(sync.push.image, sync.target): sync.override for sync in before}
    now = {(sync.push.image, sync.target): sync.override for sync in after}
    return [
        PlanDifference(_change(then.get(key), now.get(key)), *key, then.get(key), now.get(key))
        for key in dict.fromkeys([*then, *now])
        if then.get(key) is not now.get(key)
    ]


def _change(before: bool | None, after: bool | None) -> PlanChange:  # noqa: FBT001  # a column each
    if before is None:
        return PlanChange.GAINED
    return PlanChange.LOST if after is None else PlanChange.REDIRECTED


def _syncs(
    push: Push, decisions: Iterable[TargetDecision], fate: TargetResult
) -> list[PlannedSync]:
    return [
        PlannedSync(push, each.target, each.override, each.rule)
        for each in decisions
        if each.fate is fate
    ]


def _left_out(push: Push, decisions: Iterable[TargetDecision]) -> list[str]:
    """Return the reasons of targets that come to nothing; one that is taken needs none."""
    reasons = []
    for each in decisions:
        if each.fate is TargetResult.REFUSED:
            reasons.append(f"{push.image}: rule {each.rule}: {each.reason}")
        elif each.fate is TargetResult.SHADOW:
            to = f"{each.target}{', override' if each.override else ''}"
            reasons.append(f"{push.image}: rule {each.rule} (shadow) would sync to {to}")
    return reasons
