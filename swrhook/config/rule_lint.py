"""What rules that are right may still not mean: warnings, each with its line.

Overlaps are found by pushes made up for each rule, so an example is told with each; an overlap of
which no example was found is not told. Each push is looked up among all rules, and of very many
rules only the first ones get theirs: a service that reloads has other work.
"""

from collections.abc import Iterator, Mapping, Sequence

from swrhook.config.diagnostics import Diagnostics
from swrhook.config.nodes import NodePath
from swrhook.model import Push
from swrhook.rules import Pattern, Rule, Rulebook, RuleResult, evaluate
from swrhook.rules.lint import cancelled_field, covers_rule, example_push, why_never_matches

MOST_OVERLAPS = 50
_MOST_PAIRS = 20_000
# A step is one rule asked, or one expression passed in a set that has not seen the value: 1 µs.
_MOST_STEPS = 300_000


def warn_of_rules(rules: Rulebook, findings: Diagnostics) -> None:
    """Find rules that contradict themselves, and those that another one leaves nothing to do."""
    for place, rule in enumerate(rules):
        _warn_of_contradictions(place, rule, findings)
    told = 0
    for first, second, push in _pairs(rules, findings):
        for path, message in _overlaps(rules, first, second, push):
            told += 1
            if told <= MOST_OVERLAPS:
                findings.warn(path, message)
    if told > MOST_OVERLAPS:
        findings.warn(
            ("rules",), f"{told - MOST_OVERLAPS} more targets are wanted by several rules"
        )


def _warn_of_contradictions(place: int, rule: Rule, findings: Diagnostics) -> None:
    field = cancelled_field(rule)
    if field is not None:
        path: NodePath = ("rules", place, "when", "not", field)
        findings.warn(path, f"excludes every {field} that the rule lets pass: it never matches")
    for path, clauses in (
        (("rules", place, "when"), rule.when),
        (("rules", place, "when", "not"), rule.unless),
    ):
        for where, reason in _impossible(clauses):
            findings.warn((*path, *where), f"{reason}: nothing ever matches")


def _impossible(clauses: Mapping[str, Sequence[Pattern]]) -> Iterator[tuple[NodePath, str]]:
    """Yield where a pattern stands that matches nothing, and why; its text may be a secret."""
    for field, patterns in clauses.items():
        for index, pattern in enumerate(patterns):
            reason = why_never_matches(pattern, field)
            if reason is not None:
                yield ((field, index) if len(patterns) > 1 else (field,)), reason


def _pairs(rules: Rulebook, findings: Diagnostics) -> Iterator[tuple[int, int, Push]]:
    """Yield, once each, the places of two rules that want the same push, and that push.

    A warning tells how many rules were compared when that is not all of them.
    """
    steps = 0
    places = {id(rule): place for place, rule in enumerate(rules)}
    seen: set[tuple[int, int]] = set()
    for place, rule in enumerate(rules):
        push = example_push(rule)
        if push is None:
            continue
        steps += rules.expressions
        for other in rules.candidates(push):
            steps += 1
            first, second = sorted((place, places[id(other)]))
            if (
                other is rule
                or (first, second) in seen
                or evaluate(other, push) is not RuleResult.WANTED
            ):
                continue
            seen.add((first, second))
            yield first, second, push
        compared = place + 1
        if compared < len(rules) and (steps > _MOST_STEPS or len(seen) > _MOST_PAIRS):
            message = (
                f"only the first {compared} rules were compared with all others: more take long"
            )
            findings.warn(("rules",), message)
            return


def _overlaps(
    rules: Rulebook, first: int, second: int, push: Push
) -> Iterator[tuple[NodePath, str]]:
    """Yield what is to be said of the second rule's targets that the first has too."""
    earlier, later = rules[first], rules[second]
    if earlier.shadow or later.shadow:
        return
    taken = {(target.region, target.namespace): target.override for target in earlier.sync}
    covered = covers_rule(earlier, later)
    for position, target in enumerate(later.sync):
        path: NodePath = ("rules", second, "sync", position)
        override = taken.get((target.region, target.namespace))
        if override is None:
            continue
        if covered:
            message = f"rules[{first}] has this target for all that this rule matches"
            yield path, f"{message}: its override holds"
        elif override is not target.override:
            message = f"rules[{first}] has this target too, with another override"
            yield path, f"{message}: for a push like {push.image} the first one's holds"
