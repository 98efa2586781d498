"""An index of all rules: it finds the few that a push may match, as fast in 10,000 as in 10.

A mask is an integer with one bit for each rule. For each field, the index maps literals, prefixes,
suffixes and regular expressions to the mask of the rules that have them as a pattern. The union of
the masks that apply to a value gives the rules that may match in this field. The intersection over
all fields gives the candidates, which are then evaluated one by one. A mask may contain too many
rules, never too few: `evaluate` decides.
"""

import functools
import operator
from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, overload

import re2

from swrhook.model import Push
from swrhook.rules.glob import EVERYTHING, Glob
from swrhook.rules.match import FIELDS, Pattern, Rule
from swrhook.rules.regex import Regex

# With fewer expressions, evaluating each rule is as fast as a set.
_MIN_SET_SIZE = 8
# RE2's default of 8 MiB is too little for a set of thousands of expressions.
_MAX_SET_MEMORY = 256 * 1024 * 1024


class Rulebook(Sequence[Rule]):
    """The rules in the order of the file, and an index of them."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        """Index the rules."""
        self._rules = tuple(rules)
        self._enabled = sum(1 << place for place, rule in enumerate(rules) if rule.enabled)
        fields = [_FieldIndex(self._rules, field) for field in FIELDS]
        self._fields = [index for index in fields if index.is_selective]
        # The cost of a lookup grows with this number.
        self.expressions = sum(index.expressions for index in self._fields)

    def candidates(self, push: Push) -> Iterator[Rule]:
        """Yield all enabled rules that match the push, and few others, in the file's order."""
        mask = self._enabled
        for index in self._fields:
            mask &= index.mask(getattr(push, index.field))
        while mask:
            lowest = mask & -mask
            yield self._rules[lowest.bit_length() - 1]
            mask ^= lowest

    @overload
    def __getitem__(self, index: int) -> Rule: ...
    @overload
    def __getitem__(self, index: slice) -> Sequence[Rule]: ...
    def __getitem__(self, index: int | slice) -> Rule | Sequence[Rule]:
        """Return a rule by its position in the file."""
        return self._rules[index]

    def __len__(self) -> int:
        """Return the number of rules."""
        return len(self._rules)

    def __repr__(self) -> str:
        """Return the rules with the class name."""
        return f"Rulebook({self._rules!r})"


class _FieldIndex:
    """The rules by their patterns for one field."""

    def __init__(self, rules: Sequence[Rule], field: str) -> None:
        self.field = field
        self._unindexed = 0  # rules without a pattern for the field, or with one of another kind
        self._literals: dict[str, int] = defaultdict(int)
        self._prefixes: dict[str, int] = defaultdict(int)
        self._suffixes: dict[str, int] = defaultdict(int)
        expressions: dict[str, int] = defaultdict(int)
        for place, rule in enumerate(rules):
            if rule.enabled:
                self._add(rule.when.get(field, EVERYTHING), 1 << place, expressions)
        self._prefix_lengths = sorted({len(prefix) for prefix in self._prefixes})
        self._suffix_lengths = sorted({len(suffix) for suffix in self._suffixes})
        self.expressions = len(expressions)
        # False if every rule passes for every value: then the field is left out of the lookup.
        self.is_selective = bool(self._literals or self._prefixes or self._suffixes or expressions)
        self._regex_set = _RegexSet(expressions)

    def mask(self, value: str) -> int:
        """Return the rules that may match this value in the field."""
        mask = self._literals.get(value, 0)
        if self._unindexed:
            mask |= self._unindexed
        for length in self._prefix_lengths:
            if rules := self._prefixes.get(value[:length]):
                mask |= rules
        for length in self._suffix_lengths:
            if rules := self._suffixes.get(value[-length:]):
                mask |= rules
        return mask | self._regex_set.mask(value) if self.expressions else mask

    def _add(self, patterns: Sequence[Pattern], bit: int, expressions: dict[str, int]) -> None:
        for pattern in patterns:
            match pattern:
                case Glob(literal=True):
                    self._literals[pattern.text] |= bit
                # One end is enough: it may let other values pass, and `evaluate` checks the rest.
                case Glob() if len(pattern.prefix) > len(pattern.suffix):
                    self._prefixes[pattern.prefix] |= bit
                case Glob() if pattern.suffix:
                    self._suffixes[pattern.suffix] |= bit
                case Glob() if pattern.text != "**":
                    expressions[pattern.regex] |= bit
                case Regex():
                    expressions[pattern.text] |= bit
                case _:
                    self._unindexed |= bit


class _RegexSet:
    """Many regular expressions that are matched in one pass."""

    def __init__(self, masks: dict[str, int]) -> None:
        self._masks = list(masks.values())
        self._union = functools.reduce(operator.or_, self._masks, 0)
        self._set = _compile_set(masks) if len(masks) >= _MIN_SET_SIZE else None

    def mask(self, value: str) -> int:
        if self._set is None:
            return self._union
        matches = self._set.Match(value)
        # When RE2 runs out of memory, it reports no match at all. The last expression of the set
        # matches everything, so that its absence shows this.
        if len(self._masks) not in matches:
            return self._union
        masks = (self._masks[place] for place in matches if place < len(self._masks))
        return functools.reduce(operator.or_, masks, 0)


def _compile_set(expressions: dict[str, int]) -> Any:  # noqa: ANN401  # re2 comes without types
    """Return the expressions compiled to one set; None if they need too much memory."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MAX_SET_MEMORY
    regex_set = re2.Set.FullMatchSet(options)
    for expression in [*expressions, "(?s:.*)"]:
        regex_set.Add(expression)
    try:
        regex_set.Compile()
    except re2.error:
        return None
    return regex_set
