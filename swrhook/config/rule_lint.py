"""Lint valid rules: contradictions, overlaps, and rules that never match.

An overlap is found by looking up an example push of each rule among all rules, so overlaps without
an example stay unreported. Of very many rules only the first ones are compared, to bound the time
that a reload takes.
"""

from collections.abc import Iterator, Mapping, Sequence

from swrhook.config.diagnostics import Diagnostics
from swrhook.config.nodes import NodePath
from swrhook.model import Push
from swrhook.rules.lint import cancelled_field, covers_rule, example_push, why_never_matches
from swrhook.rules.match import Pattern, Rule, RuleResult, evaluate
from swrhook.rules.rulebook import Rulebook

MAX_OVERLAPS = 50
_MAX_PAIRS = 20_000
# A step is one rule evaluated, or one expression in a set that has no cached result: 1 µs each.
_MAX_STEPS = 300_000


def lint_rules(rules: Rulebook, diagnostics: Diagnostics) -> None:
    """Warn of rules that contradict themselves, and of targets that several rules share."""
    for number, rule in enumerate(rules):
        _lint_rule(number, rule, diagnostics)
    overlaps = 0
    for first, second, push in _pairs(rules, diagnostics):
        for path, message in _overlaps(rules, first, second, push):
            overlaps += 1
            if overlaps <= MAX_OVERLAPS:
                diagnostics.add_warning(path, message)
    if overlaps > MAX_OVERLAPS:
        diagnostics.add_warning(
            ("rules",), f"{overlaps - MAX_OVERLAPS} more targets are shared by several rules"
        )


def _lint_rule(number: int, rule: Rule, diagnostics: Diagnostics) -> None:
    field = cancelled_field(rule)
    if field is not None:
        path: NodePath = ("rules", number, "when", "not", field)
        diagnostics.add_warning(
            path, f"excludes every {field} that the rule lets pass: it never matches"
        )
    for path, clauses in (
        (("rules", number, "when"), rule.when),
        (("rules", number, "when", "not"), rule.unless),
    ):
        for steps, reason in _impossible(clauses):
            diagnostics.add_warning((*path, *steps), f"{reason}: nothing ever matches")


def _impossible(clauses: Mapping[str, Sequence[Pattern]]) -> Iterator[tuple[NodePath, str]]:
    """Yield the path of each pattern that matches nothing, and the reason, which has no secret."""
    for field, patterns in clauses.items():
        for index, pattern in enumerate(patterns):
            reason = why_never_matches(pattern, field)
            if reason is not None:
                yield ((field, index) if len(patterns) > 1 else (field,)), reason


def _pairs(rules: Rulebook, diagnostics: Diagnostics) -> Iterator[tuple[int, int, Push]]:
    """Yield the numbers of two rules that match the same push, and that push, each pair once.

    If not all rules were compared, a warning says how many were.
    """
    steps = 0
    numbers = {id(rule): number for number, rule in enumerate(rules)}
    seen: set[tuple[int, int]] = set()
    for number, rule in enumerate(rules):
        push = example_push(rule)
        if push is None:
            continue
        steps += rules.expressions
        for other in rules.candidates(push):
            steps += 1
            first, second = sorted((number, numbers[id(other)]))
            if (
                other is rule
                or (first, second) in seen
                or evaluate(other, push) is not RuleResult.MATCHED
            ):
                continue
            seen.add((first, second))
            yield first, second, push
        compared = number + 1
        if compared < len(rules) and (steps > _MAX_STEPS or len(seen) > _MAX_PAIRS):
            message = (
                f"only the first {compared} rules were compared with all others: more take long"
            )
            diagnostics.add_warning(("rules",), message)
            return


def _overlaps(
    rules: Rulebook, first: int, second: int, push: Push
) -> Iterator[tuple[NodePath, str]]:
    """Yield a message for each target of the second rule that the first rule decides."""
    earlier, later = rules[first], rules[second]
    if earlier.shadow or later.shadow:
        return
    overrides = {(target.region, target.namespace): target.override for target in earlier.sync}
    covered = covers_rule(earlier, later)
    for index, target in enumerate(later.sync):
        path: NodePath = ("rules", second, "sync", index)
        override = overrides.get((target.region, target.namespace))
        if override is None:
            continue
        if covered:
            message = f"rules[{first}] has this target for every push that this rule matches"
            yield path, f"{message}: its override applies"
        elif override is not target.override:
            message = f"rules[{first}] has this target too, with another override"
            yield path, f"{message}: for a push like {push.image} the first rule's override applies"
