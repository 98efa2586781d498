"""All rules, and which of them a push can match: the same few steps among ten and ten thousand.

Each field has one mask, a bit for each rule, for each thing that its value can be: a literal, a
prefix, a suffix, a match of a set of expressions. Their union is the rules that the field lets
pass, and the intersection of the fields' unions is what has to be looked at one by one. A mask may
let too much pass, never too little: `judge` has the last word.
"""

from collections import defaultdict
from collections.abc import Iterator, Sequence
from typing import Any, overload

import re2

from swrhook.model import Push
from swrhook.rules.glob import Glob
from swrhook.rules.match import FIELDS, Pattern, Rule
from swrhook.rules.regex import Regex

# Below that, asking each one is as quick.
_FEWEST_IN_A_SET = 8
_MOST_MEMORY = 256 * 1024 * 1024


class Rulebook(Sequence[Rule]):
    """The rules in their order, and an index of them."""

    def __init__(self, rules: Sequence[Rule] = ()) -> None:
        """Index the rules."""
        self._rules = tuple(rules)
        self._enabled = sum(1 << place for place, rule in enumerate(rules) if rule.enabled)
        fields = [_FieldIndex(self._rules, field) for field in FIELDS]
        self._fields = [index for index in fields if index.tells]
        # A look-up with values not seen before takes a step for each of these.
        self.expressions = sum(index.expressions for index in self._fields)

    def candidates(self, push: Push) -> Iterator[Rule]:
        """Yield, in their order, all rules that want the push, and few others; none disabled."""
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
        """Return a rule by its place in the file."""
        return self._rules[index]

    def __len__(self) -> int:
        """Count the rules."""
        return len(self._rules)

    def __repr__(self) -> str:
        """Show the rules."""
        return f"Rulebook({self._rules!r})"


class _FieldIndex:
    """The rules by what they ask of one field."""

    def __init__(self, rules: Sequence[Rule], field: str) -> None:
        self.field = field
        self._open = 0  # the rules that ask nothing of the field, or what no table can tell
        self._literals: dict[str, int] = defaultdict(int)
        self._prefixes: dict[str, int] = defaultdict(int)
        self._suffixes: dict[str, int] = defaultdict(int)
        expressions: dict[str, int] = defaultdict(int)
        for place, rule in enumerate(rules):
            if rule.enabled:
                self._file(rule.when.get(field), 1 << place, expressions)
        self._prefix_lengths = sorted({len(prefix) for prefix in self._prefixes})
        self._suffix_lengths = sorted({len(suffix) for suffix in self._suffixes})
        self.expressions = len(expressions)
        # Whether there is a value that not every rule lets pass.
        self.tells = bool(self._literals or self._prefixes or self._suffixes or expressions)
        self._set = _Expressions(expressions)

    def mask(self, value: str) -> int:
        """Return the rules that let this value pass, and perhaps some more."""
        mask = self._literals.get(value, 0)
        if self._open:
            mask |= self._open
        for length in self._prefix_lengths:
            if found := self._prefixes.get(value[:length]):
                mask |= found
        for length in self._suffix_lengths:
            if found := self._suffixes.get(value[-length:]):
                mask |= found
        return mask | self._set.mask(value) if self.expressions else mask

    def _file(
        self, patterns: Sequence[Pattern] | None, bit: int, expressions: dict[str, int]
    ) -> None:
        if patterns is None:
            self._open |= bit
            return
        for pattern in patterns:
            match pattern:
                case Glob():
                    self._file_glob(pattern, bit, expressions)
                case Regex():
                    expressions[pattern.text] |= bit
                case _:
                    self._open |= bit

    def _file_glob(self, glob: Glob, bit: int, expressions: dict[str, int]) -> None:
        if glob.literal:
            self._literals[glob.text] |= bit
        elif glob.text == "**":
            self._open |= bit
        elif len(glob.prefix) > len(glob.suffix):
            self._prefixes[glob.prefix] |= bit
        elif glob.suffix:
            self._suffixes[glob.suffix] |= bit
        else:
            expressions[glob.regex] |= bit


class _Expressions:
    """Many regular expressions, asked at once."""

    def __init__(self, masks: dict[str, int]) -> None:
        self._masks = list(masks.values())
        self._all = 0
        for mask in self._masks:
            self._all |= mask
        self._set = _compiled(masks) if len(masks) >= _FEWEST_IN_A_SET else None

    def mask(self, value: str) -> int:
        if self._set is None:
            return self._all
        found = self._set.Match(value)
        # Out of memory, RE2 finds nothing; so the last of the set is one that finds everything.
        if len(self._masks) not in found:
            return self._all
        mask = 0
        for place in found:
            mask |= self._masks[place] if place < len(self._masks) else 0
        return mask


def _compiled(expressions: dict[str, int]) -> Any:  # noqa: ANN401  # re2 comes without types
    """Return the expressions as a set; None when they are too many together."""
    options = re2.Options()
    options.log_errors = False
    options.max_mem = _MOST_MEMORY
    found = re2.Set.FullMatchSet(options)
    for expression in [*expressions, "(?s:.*)"]:
        found.Add(expression)
    try:
        found.Compile()
    except re2.error:
        return None
    return found
