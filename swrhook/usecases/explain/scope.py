"""An explanation for a reader who may see only some organizations of the source.

It has the rules that can apply to the image's organization, and of these no name of another one.
"""

from collections.abc import Sequence
from dataclasses import replace

from swrhook.model import Push
from swrhook.rules.match import Rule, matches_any
from swrhook.rules.trace import ClauseTrace, RuleTrace
from swrhook.usecases.explain.model import ExplainedDelivery, ExplainedSender, Explanation

_FIELD = "namespace"


def rules_about(push: Push, rules: Sequence[Rule]) -> Sequence[Rule]:
    """Return the rules that can apply to images of the push's organization."""
    return [
        rule
        for rule in rules
        if (_FIELD not in rule.when or matches_any(rule.when[_FIELD], push, _FIELD))
        and not matches_any(rule.unless.get(_FIELD, ()), push, _FIELD)
    ]


def narrow(explanation: Explanation) -> Explanation:
    """Leave out what is about images of other organizations."""
    return replace(
        explanation,
        senders=[_narrow_sender(sender) for sender in explanation.senders],
        deliveries=[_narrow_delivery(delivery) for delivery in explanation.deliveries],
        expanding=(),
    )


def _narrow_sender(sender: ExplainedSender) -> ExplainedSender:
    return replace(sender, rules=[_narrow_rule(rule) for rule in sender.rules])


def _narrow_rule(rule: RuleTrace) -> RuleTrace:
    clauses = [_narrow_clause(clause) for clause in rule.clauses]
    return replace(rule, clauses=[clause for clause in clauses if clause.patterns])


def _narrow_clause(clause: ClauseTrace) -> ClauseTrace:
    """Leave out patterns for other organizations."""
    if clause.field != _FIELD:
        return clause
    return replace(clause, patterns=[pattern for pattern in clause.patterns if pattern.matched])


def _narrow_delivery(explained: ExplainedDelivery) -> ExplainedDelivery:
    """Leave out the reasons about other images."""
    delivery = replace(explained.delivery, reason=explained.about)
    return replace(explained, delivery=delivery)
